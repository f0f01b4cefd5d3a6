package fs

// news is what happened to a znode, as bits: what happened to the same one before the kernel was told is told at once.
type news uint8

const (
	newsCreated news = 1 << iota
	newsDeleted
	newsData     // the data changed
	newsChildren // the list of children changed
	newsAttr     // only what stat(2) shows changed
	newsAll      // anything may have changed, everywhere
	newsDropped  // the cache does not know it any more, and no watch of its own tells of changes
)
