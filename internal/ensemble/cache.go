package ensemble

import (
	"sync"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// cache holds what is known about znodes, by path. It knows neither the kernel nor the
// network.
//
// The Stat of an entry is the only thing that is fresh or not. Data, children and permissions
// belong to a version of the znode: they count as long as a fresh Stat has the mzxid, the pzxid with
// the cversion, and the aversion that they came with. So an entry whose Stat went stale is good
// again, whole, after one Exists that shows that nothing happened.
//
// A reply may be older than an event that was handled while it was on its way to its caller. So
// a question to the servers takes a ticket first, and the reply is kept only if nothing happened to
// the entry since.
type cache struct {
	maxAge time.Duration
	limit  int              // of size
	now    func() time.Time // time.Now, but in tests
	began  time.Time
	drop   func([]string) // told what was dropped to stay within limit, with no lock held

	listTrust time.Duration // the constant of that name, but in tests

	mu      sync.Mutex // guards the following; held for map operations only
	entries map[string]*entry
	recent  entry  // closes the ring of entries; what follows it was not used for longest
	asked   entry  // closes the ring of those that the holder was asked to forget; see shrink
	size    int    // bytes, roughly
	epoch   uint32 // counts the times when everything went stale at once
	guarded bool   // watches stand: what is learned may be kept
}

// entry is what is known about one znode. All fields are guarded by the cache's mutex; the slices
// and the Stat that they point to are never changed. There may be a million, so it is kept small.
type entry struct {
	path         string
	older, newer *entry // neighbours in the order of use
	size         int    // bytes, roughly
	gen          uint32 // counts the events about it
	own          uint32 // counts those of changes by this mount
	pins         int32  // tickets out: the entry stays, so that events about it are counted

	known   bool // a reply was kept: stat is meaningful
	fresh   bool // no event came since
	held    bool // the kernel knows an inode of it, which costs memory here too
	asked   bool // the kernel was asked to forget it, and it was not used since
	hasData bool
	epoch   uint32
	until   time.Duration // trusted no longer than this after cache.began, event or not
	stat    *zk.Stat      // nil: the znode does not exist
	data    []byte
	mzxid   int64     // of the version that data is
	names   *Children // nil: not known
	perms   *perms    // nil: not known
}

// perms are what this session may do with a znode.
type perms struct {
	bits int32
	acl  aclVersion // that bits are of
}

// ticket stands for a question to the servers, taken before it is sent.
type ticket struct {
	e               *entry
	gen, own, epoch uint32
}

func newCache(maxAge time.Duration, limit int) *cache {
	c := &cache{
		maxAge: maxAge, limit: limit, now: time.Now, began: time.Now(), listTrust: listTrust,
		drop: func([]string) {}, entries: map[string]*entry{},
	}
	c.recent.older, c.recent.newer = &c.recent, &c.recent
	c.asked.older, c.asked.newer = &c.asked, &c.asked
	return c
}

// guard says whether watches stand. Either way everything known must be verified before it is used
// again.
func (c *cache) guard(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.guarded = on
	c.epoch++
}

// reset forgets everything: the session is over, and its watches with it.
func (c *cache) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for _, e := range c.entries {
		if e.pins > 0 || e.held {
			c.strip(e)
		} else {
			c.remove(e)
		}
	}
}

// look returns what is known about path and may be used without asking anybody.
func (c *cache) look(path string) (Snapshot, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[path]
	if e == nil || !c.freshLocked(e) {
		return Snapshot{}, false
	}
	c.use(e)
	return c.snapshot(e), true
}

// absent reports whether a child is known to be missing because the list of its directory's
// children is known, and until when that is trusted.
func (c *cache) absent(dir, name string) (missing bool, until time.Time) {
	s, ok := c.look(dir)
	if !ok || s.Children == nil {
		return false, time.Time{}
	}
	return !s.Children.Has(name), s.Until
}

// has reports whether something is known about path that may be used.
func (c *cache) has(path string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[path]
	return e != nil && c.freshLocked(e)
}

// begin takes a ticket for a question about path. It must be handed to fill or to cancel.
func (c *cache) begin(path string) ticket {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entry(path)
	e.pins++
	return ticket{e, e.gen, e.own, c.epoch}
}

// entry returns the entry for path, which is made if there is none.
func (c *cache) entry(path string) *entry {
	e := c.entries[path]
	if e == nil {
		e = &entry{path: path}
		e.older, e.newer = e, e
		c.use(e)
		c.entries[path] = e
		c.weigh(e)
	}
	return e
}

// cancel gives back the ticket of a question that got no answer.
func (c *cache) cancel(t ticket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unpin(t.e)
}

// fill keeps the answer to the question of t, unless it may be outdated already. The answer is
// sound in itself either way: fill returns it, completed by what was known before if that belongs
// to the same version.
func (c *cache) fill(t ticket, got Snapshot) Snapshot {
	c.mu.Lock()
	s := c.keep(t, got)
	dropped := c.shrink()
	c.mu.Unlock()
	if len(dropped) > 0 {
		c.drop(dropped)
	}
	return s
}

func (c *cache) keep(t ticket, got Snapshot) Snapshot {
	e := t.e
	defer c.unpin(e)
	got.Epoch = t.epoch
	if !c.guarded || e.gen != t.gen || c.epoch != t.epoch {
		return got
	}
	e.known, e.fresh, e.epoch, e.until = true, true, c.epoch, c.age()+c.maxAge
	e.stat = got.Stat
	switch {
	case got.Stat == nil:
		e.forget()
	case got.HasData:
		e.data, e.hasData, e.mzxid = got.Data, true, got.Stat.Mzxid
	case got.Children != nil:
		e.names = got.Children
	case got.HasPerms:
		e.perms = &perms{got.Perms, aclVersionOf(got.Stat)}
	}
	c.use(e)
	c.weigh(e)
	return c.snapshot(e)
}

// hold notes that the kernel knows an inode of the znode at path, until release.
func (c *cache) hold(path string) {
	c.mu.Lock()
	e := c.entry(path)
	e.held = true
	c.use(e)
	c.weigh(e)
	dropped := c.shrink()
	c.mu.Unlock()
	if len(dropped) > 0 {
		c.drop(dropped)
	}
}

// release notes that the kernel does not know the znode at path any more.
func (c *cache) release(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[path]
	if e == nil {
		return
	}
	e.held, e.asked = false, false
	c.weigh(e)
	c.tidy(e)
}

// forget drops what is known about the znode, which the same versions may not bring back: servers
// change the data of some znodes of their own and leave the Stat as it is.
func (c *cache) forget(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[path]
	if e == nil {
		return
	}
	e.gen++
	e.fresh = false
	e.forget()
	c.weigh(e)
}

// changed notes an event about the znode: what is known is stale, and answers under way may be. It
// returns whether anything is known.
func (c *cache) changed(path string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[path]
	if e == nil {
		return false
	}
	e.gen++
	e.fresh = false
	return true
}

// currentEpoch returns the epoch, for what is learned in another way than by a question.
func (c *cache) currentEpoch() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// counts returns the number of entries and the bytes that they hold.
func (c *cache) counts() (entries, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries), c.size
}

func (c *cache) freshLocked(e *entry) bool {
	return e.known && e.fresh && e.epoch == c.epoch && c.guarded && c.age() < e.until
}

func (c *cache) unpin(e *entry) {
	e.pins--
	c.tidy(e)
}

// tidy removes e if nothing is known about it and it is not needed.
func (c *cache) tidy(e *entry) {
	if e.pins == 0 && !e.known && !e.held {
		c.remove(e)
	}
}

// strip makes e an entry that nothing is known about.
func (c *cache) strip(e *entry) {
	e.gen++
	e.known, e.fresh, e.stat = false, false, nil
	e.forget()
	c.weigh(e)
}

func (c *cache) remove(e *entry) {
	c.size -= e.size
	e.unlink()
	delete(c.entries, e.path)
}

// forget drops all but the Stat.
func (e *entry) forget() {
	e.data, e.hasData, e.names, e.perms = nil, false, nil, nil
}

func (c *cache) snapshot(e *entry) Snapshot {
	s := Snapshot{Stat: e.stat, Guarded: true, Until: c.began.Add(e.until), Epoch: e.epoch}
	if e.stat == nil {
		return s
	}
	if e.hasData && e.mzxid == e.stat.Mzxid {
		s.Data, s.HasData = e.data, true
	}
	if e.names != nil && e.names.of == childrenVersionOf(e.stat) {
		s.Children = e.names
	}
	if e.perms != nil && e.perms.acl == aclVersionOf(e.stat) {
		s.Perms, s.HasPerms = e.perms.bits, true
	}
	return s
}
