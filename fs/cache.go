package fs

import (
	"container/list"
	"slices"
	"sync"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// cache holds what the mount knows about znodes, by path. It knows neither the kernel nor the network.
//
// The Stat of an entry is the only thing that is fresh or not. Data, children and permissions belong to a version of
// the znode: they count as long as a fresh Stat has the mzxid, the pzxid and the aversion that they came with. So an entry
// whose Stat went stale is good again, whole, after one Exists that shows that nothing happened.
//
// A reply may be older than an event that was handled while it was on its way to its caller. So whoever asks the
// servers takes a ticket first, and the reply is kept only if nothing happened to the entry since.
type cache struct {
	maxAge time.Duration
	limit  int              // of size
	now    func() time.Time // time.Now, but in tests

	mu      sync.Mutex // guards the following; held for map operations only
	entries map[string]*entry
	recent  list.List // of *entry, the one used last in front
	size    int       // bytes, roughly
	epoch   uint64    // counts the times when everything went stale at once
	guarded bool      // watches stand: what is learned may be kept
}

// entry is what is known about one znode. All fields are guarded by the cache's mutex; the slices and
// the Stat that they point to are never changed.
type entry struct {
	path  string
	place *list.Element
	pins  int    // tickets out: the entry stays, so that events about it are counted
	gen   uint64 // counts the events about it

	known bool // a reply was kept: stat is meaningful
	fresh bool // no event came since
	epoch uint64
	until time.Time // trusted no longer than this, event or not
	stat  *zk.Stat  // nil: the znode does not exist

	data    []byte
	hasData bool
	mzxid   int64 // of the version that data is
	names   []string
	listed  bool
	pzxid   int64 // of the version that names is
	perms   int32
	asked   bool       // perms is known
	acl     aclVersion // that perms is of
	size    int        // bytes, roughly
}

// snapshot is what a caller gets to see of an entry, all from one version of the znode.
type snapshot struct {
	stat     *zk.Stat // nil: the znode does not exist
	data     []byte
	hasData  bool
	children []string  // sorted
	listed   bool      // children is known
	perms    int32     // what the session may do; see modes.go
	hasPerms bool      // perms is known
	guarded  bool      // an event will come when it changes: the kernel may keep it
	until    time.Time // but no longer than this
	denied   bool      // nothing is known: this session may not read the znode (from 3.9 on not even its Stat)
}

// ticket stands for a question to the servers, taken before it is sent.
type ticket struct {
	e          *entry
	gen, epoch uint64
}

func newCache(maxAge time.Duration, limit int) *cache {
	return &cache{maxAge: maxAge, limit: limit, now: time.Now, entries: map[string]*entry{}}
}

// guard says whether watches stand. Either way everything known must be verified before it is used again.
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
		if e.pins > 0 {
			c.strip(e)
		} else {
			c.remove(e)
		}
	}
}

// look returns what is known about path and may be used without asking anybody.
func (c *cache) look(path string) (snapshot, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[path]
	if e == nil || !c.freshLocked(e) {
		return snapshot{}, false
	}
	c.recent.MoveToFront(e.place)
	return e.snapshot(), true
}

// absent reports whether a child is known to be missing because the list of its directory's children is known, and until when
// that is trusted.
func (c *cache) absent(dir, name string) (missing bool, until time.Time) {
	s, ok := c.look(dir)
	if !ok || !s.listed {
		return false, time.Time{}
	}
	_, found := slices.BinarySearch(s.children, name)
	return !found, s.until
}

// begin takes a ticket for a question about path. It must be handed to fill or to cancel.
func (c *cache) begin(path string) ticket {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[path]
	if e == nil {
		e = &entry{path: path}
		e.place = c.recent.PushFront(e)
		c.entries[path] = e
		c.weigh(e)
	}
	e.pins++
	return ticket{e, e.gen, c.epoch}
}

// cancel gives back the ticket of a question that got no answer.
func (c *cache) cancel(t ticket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unpin(t.e)
}

// fill keeps the answer to the question of t, unless it may be outdated already. The answer is sound in itself
// either way: fill returns it, completed by what was known before if that belongs to the same version.
func (c *cache) fill(t ticket, got snapshot) snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := t.e
	defer c.unpin(e)
	if !c.guarded || e.gen != t.gen || c.epoch != t.epoch {
		return got
	}
	e.known, e.fresh, e.epoch, e.until = true, true, c.epoch, c.now().Add(c.maxAge)
	e.stat = got.stat
	switch {
	case got.stat == nil:
		e.forget()
	case got.hasData:
		e.data, e.hasData, e.mzxid = got.data, true, got.stat.Mzxid
	case got.listed:
		e.names, e.listed, e.pzxid = got.children, true, got.stat.Pzxid
	case got.hasPerms:
		e.perms, e.asked, e.acl = got.perms, true, aclVersionOf(got.stat)
	}
	c.weigh(e)
	c.recent.MoveToFront(e.place)
	c.shrink()
	return e.snapshot()
}

// changed notes an event about the znode: what is known is stale, and answers under way may be. It returns
// whether anything is known.
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

// counts returns the number of entries and the bytes that they hold.
func (c *cache) counts() (entries, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries), c.size
}

func (c *cache) freshLocked(e *entry) bool {
	return e.known && e.fresh && e.epoch == c.epoch && c.guarded && c.now().Before(e.until)
}

// unpin gives a ticket back. An entry that nothing is known about goes with its last ticket.
func (c *cache) unpin(e *entry) {
	e.pins--
	if e.pins == 0 && !e.known {
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
	c.recent.Remove(e.place)
	delete(c.entries, e.path)
}

// shrink drops what was not used for longest until the cache is within its limit.
func (c *cache) shrink() {
	for at := c.recent.Back(); at != nil && c.size > c.limit; {
		e := at.Value.(*entry)
		at = at.Prev()
		if e.pins == 0 {
			c.remove(e)
		}
	}
}

// entryBytes is about what an entry costs beside its path, data and names.
const entryBytes = 320

// weigh brings the sizes up to date after e changed.
func (c *cache) weigh(e *entry) {
	n := entryBytes + len(e.path) + len(e.data)
	for _, name := range e.names {
		n += 16 + len(name)
	}
	c.size += n - e.size
	e.size = n
}

// forget drops all but the Stat.
func (e *entry) forget() {
	e.data, e.hasData, e.names, e.listed = nil, false, nil, false
	e.asked = false
}

func (e *entry) snapshot() snapshot {
	s := snapshot{stat: e.stat, guarded: true, until: e.until}
	if e.stat == nil {
		return s
	}
	if e.hasData && e.mzxid == e.stat.Mzxid {
		s.data, s.hasData = e.data, true
	}
	if e.listed && e.pzxid == e.stat.Pzxid {
		s.children, s.listed = e.names, true
	}
	if e.asked && e.acl == aclVersionOf(e.stat) {
		s.perms, s.hasPerms = e.perms, true
	}
	return s
}
