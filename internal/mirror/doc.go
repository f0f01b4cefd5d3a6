// Package mirror lets a directory of the local file system follow a tree of ZooKeeper. All of the
// tree is switched at once, by one symbolic link, in the way of a Kubernetes ConfigMap:
//
//	..2026_12_01_03_04_05.123456789/    the tree after one transaction
//	..2026_12_01_03_04_02.987654321/    the one before, until the next switch
//	..data -> ..2026_12_01_03_04_05.123456789
//	conf -> ..data/conf                 for each file or directory at the top
//	limits -> ..data/limits
//
// A process that opens ..data once, and all else from there, sees one transaction. What ..data leads
// to is on the disk before the link is, and is never written to again: a process that is killed
// leaves the old tree or the new one. What it has begun is removed by the next switch.
//
// Names, and what is a file, are those of a mount, and so are ephemerals, which are files.
package mirror
