// Package fs mounts a ZooKeeper ensemble as a directory: znodes are files and directories.
//
// The kernel asks, and the answer comes from the nearest that knows it for sure: the kernel's own cache, the cache of the mount,
// the servers. Watches keep both caches true:
//
//	kernel request -> node (dir, file, handle) -> view -> cache -> zk.Conn
//	watch event    -> zk.Conn's read loop -> watch: cache goes stale, in order -> notifier -> kernel
//
// The type of a file is a function of its znode's Stat (kind.go), so all mounts agree. What a program writes is
// collected in a draft and sent as one change when it closes the file (commit.go). Errors have one table (errno.go).
package fs
