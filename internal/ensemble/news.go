package ensemble

// News is what happened to a znode, as bits: what happened to the same one may be told at once.
type News uint8

const (
	Created News = 1 << iota
	Deleted
	DataChanged     // the data changed
	ChildrenChanged // the list of children changed
	AttrChanged     // only what the Stat shows changed
	Everything      // anything may have changed, everywhere
	Own             // the rest is of the caller's own change, and no other client's is known
	Dropped         // the cache does not know it any more, nor does a watch of its own tell of it
)
