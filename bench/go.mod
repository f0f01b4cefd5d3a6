module github.com/zkfs/zkfs/bench

go 1.26.0

require (
	github.com/go-zookeeper/zk v1.0.4
	github.com/hanwen/go-fuse/v2 v2.12.1
	github.com/zkfs/zkfs v0.0.0
)

require golang.org/x/sys v0.49.0 // indirect

replace github.com/zkfs/zkfs => ../
