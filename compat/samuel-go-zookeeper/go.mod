module github.com/samuel/go-zookeeper

go 1.26.0

require github.com/zkfs/zkfs v0.0.0

replace github.com/zkfs/zkfs => ../..
