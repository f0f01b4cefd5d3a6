// Package checkout keeps a tree of ZooKeeper in a directory of the local file system: [Pull] writes
// the tree there, and [Push] makes the tree equal to the directory in one transaction.
//
//	.zkfs-pull    what was pulled, see [State]
//	.data         the data of the znode at the root, if it has some
//	conf/         a znode that is a directory on a mount
//	conf/.data    its data, if it has some
//	conf/db       a znode that is a file on a mount
//
// Names, and what is a file, are those of a mount. Two znodes or files are equal if they have the
// same data. What a directory does not hold, says [Znode.Out].
//
// All files are accessed through an [os.Root]: no name of a server and no symbolic link leads out
// of the directory.
package checkout
