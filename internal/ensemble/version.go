package ensemble

import "github.com/zkfs/zkfs/zk"

// SameIncarnation reports whether two Stats are of one life of a znode.
func SameIncarnation(a, b *zk.Stat) bool { return a.Czxid == b.Czxid }

// SameVersion reports whether two Stats belong to the same data.
func SameVersion(a, b *zk.Stat) bool { return a.Mzxid == b.Mzxid && a.Czxid == b.Czxid }

// Untouched reports whether data written to the znode would turn the directory into a file.
func Untouched(st *zk.Stat) bool { return st.Cversion == 0 && st.NumChildren == 0 }
