package fs

import "github.com/zkfs/zkfs/zk"

// sameIncarnation reports whether two Stats are of one life of a znode.
func sameIncarnation(a, b *zk.Stat) bool { return a.Czxid == b.Czxid }

// sameVersion reports whether two Stats belong to the same data.
func sameVersion(a, b *zk.Stat) bool { return a.Mzxid == b.Mzxid && a.Czxid == b.Czxid }

// untouched reports whether data written to the znode would turn the directory into a file.
func untouched(st *zk.Stat) bool { return st.Cversion == 0 && st.NumChildren == 0 }
