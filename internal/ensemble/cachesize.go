package ensemble

import "time"

// use makes e the entry that was used last.
func (c *cache) use(e *entry) {
	e.asked = false
	e.unlink()
	e.linkBefore(&c.recent)
}

// unlink takes e out of its ring.
func (e *entry) unlink() {
	e.older.newer, e.newer.older = e.newer, e.older
}

// linkBefore puts e into the ring that end closes, as its newest.
func (e *entry) linkBefore(end *entry) {
	e.older, e.newer = end.older, end
	e.older.newer, end.older = e, e
}

// shrink drops what was not used for longest until the cache is within its limit, and returns its
// paths. The inode of what the kernel knows goes when the kernel forgets it, for which it is to be
// asked; such an entry counts no more. The kernel keeps what is in use, and a directory as long as
// it knows something in it (kernel fact 6), so one that it has kept is asked for again each time.
//
// Once begun it goes on for a while: the kernel would ask again for each file of a listing if it
// forgot one inode at a time (kernel fact 8).
func (c *cache) shrink() (dropped []string) {
	if c.size <= c.limit {
		return nil
	}
	again := c.asked.newer
	enough := c.limit - min(c.limit/16, 8<<20)
	for e := c.recent.newer; e != &c.recent && c.size > enough; {
		next := e.newer
		if e.pins == 0 {
			dropped = append(dropped, e.path)
			c.dismiss(e)
		}
		e = next
	}
	if len(dropped) > 0 && again != &c.asked && again.pins == 0 {
		dropped = append(dropped, again.path)
		c.dismiss(again)
	}
	return dropped
}

// dismiss forgets what is known of e, and e unless the kernel knows it.
func (c *cache) dismiss(e *entry) {
	if !e.held {
		c.remove(e)
		return
	}
	c.strip(e)
	e.asked = true
	e.unlink()
	e.linkBefore(&c.asked)
	c.weigh(e)
}

// What a znode costs in memory, beside its path, data and names: an entry with its Stat, and what
// there is of an inode that the kernel knows, here and in go-fuse. Measured by TestScale in
// integration.
const (
	entryBytes = 240
	inodeBytes = 650
)

// age returns how old the cache is, which takes less memory in entries than a time.
func (c *cache) age() time.Duration { return c.now().Sub(c.began) }

// weigh brings the sizes up to date after e changed.
func (c *cache) weigh(e *entry) {
	n := entryBytes + len(e.path) + len(e.data)
	if e.names != nil {
		n += e.names.size
	}
	if e.held {
		n += inodeBytes
	}
	if e.asked {
		n = 0
	}
	c.size += n - e.size
	e.size = n
}
