// Package zk stands in for github.com/samuel/go-zookeeper/zk, of which go-zookeeper is the
// successor, in programs whose dependencies import it: two replace lines in their go.mod put
// package [zk] of zkfs under them, by the import path that they have.
//
//	replace github.com/samuel/go-zookeeper => ZKFS/compat/samuel-go-zookeeper
//	replace github.com/zkfs/zkfs => ZKFS
//
// Its names are aliases of, and functions that call, those of package zk, which documents them: a
// value of the one package is a value of the other. Only [DefaultLogger], as a variable to be
// assigned, is its own. [ServerStats] has more fields.
//
// docs/migration.md of zkfs tells what differs in behaviour.
package zk
