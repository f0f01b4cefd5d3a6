module github.com/zkfs/zkfs/bench

go 1.26.0

require (
	github.com/go-zookeeper/zk v1.0.4
	github.com/zkfs/zkfs v0.0.0
)

replace github.com/zkfs/zkfs => ../
