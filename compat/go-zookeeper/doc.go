// Package zk stands in for github.com/go-zookeeper/zk v1.0.4 in programs that are not to be touched: two replace lines in
// their go.mod put package [zk] of zkfs under them, by the import path that they have.
//
//	replace github.com/go-zookeeper/zk => ZKFS/compat/go-zookeeper
//	replace github.com/zkfs/zkfs => ZKFS
//
// Its names are aliases of, and functions that call, those of package zk, which documents them: a value of the one
// package is a value of the other. Only [ServerStats], and [DefaultLogger] as a variable to be assigned, are its own.
// It has the whole of both APIs.
//
// docs/migration.md of zkfs tells what differs in behaviour.
package zk

//go:generate go run -C ../.. ./compat/gen
