# In a copy of Prometheus: its tree cache is replaced by one on zk/cache, its client by package zk.
rm util/treecache/treecache.go
cp -R "$ZKFS/compat/testdata/prometheus/put/." .
go mod edit -replace=github.com/go-zookeeper/zk="$ZKFS/compat/go-zookeeper" -replace=github.com/zkfs/zkfs="$ZKFS"
