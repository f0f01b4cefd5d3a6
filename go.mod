module github.com/zkfs/zkfs

go 1.26
