package fs

import (
	"context"
	"crypto/rand"
	"os/exec"
	"sync"
	"time"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/poke"
)

// pokes wakes the programs of this machine that wait by inotify or fanotify for what other clients
// change; see package poke. The notifier passes on what it has told the kernel, so that a program
// which reads after its event sees at least the version that the event is about. One goroutine has
// the rest. It holds no lock while it waits for the poker, and no handler waits for it.
type pokes struct {
	fs    *FS
	all   bool // InotifyOn: whether a program watches is not asked
	mount poke.Mount
	start func() *exec.Cmd
	// how long the poker may take for one change before it is replaced
	patience time.Duration
	// how long none is started after a second one that did nothing; doubled for each further one
	pause time.Duration
	queue *pokeQueue
	quit  chan struct{}
	done  chan struct{} // closed when the goroutine has ended

	// owned by run
	process  *poke.Process // nil: none runs
	useless  int           // so many ended one after another, and did nothing
	restart  time.Time     // none is started before
	looker   *poke.Looker
	watched  watched
	scanned  time.Time // when it was looked for last
	nextScan time.Time // not before

	mu     sync.Mutex // guards the following
	live   *poke.Process
	closed bool
	state  pokesState
}

// watched is what programs watch, by the generations of inodes, which no two nodes share.
type watched struct {
	poke.Watched
	root        bool
	generations map[uint32]bool
}

// scanPause is the least time between two looks at what programs watch. It is scanShare times as
// long as the last look took, so that looks take no more of a processor than one part of that, on
// a machine with many processes too.
const (
	scanPause = time.Second
	scanShare = 50
)

// startPokes begins to make pokes, if that is possible here. The mount works.
func (f *FS) startPokes() {
	if f.pokes == nil {
		return
	}
	mount, err := mountOn(f.mountpoint)
	if err != nil {
		f.log.Warn("inotify: programs that watch are not told of changes by others", "err", err)
		close(f.pokes.done)
		f.pokes.failed("", err)
		return
	}
	mount.Secret = f.pokes.mount.Secret
	f.pokes.mount, f.pokes.looker = mount, poke.NewLooker(mount)
	f.notify.passOn(f.pokes.pass)
	go f.pokes.run() // ends with f.ended
}

// newPokes returns nil if no program is to be told, or can be: without watches no change is known,
// and the kernel refuses the poker's calls where it refuses all changes.
func newPokes(f *FS) *pokes {
	switch o := &f.o; {
	case o.Inotify == InotifyOff, o.Poker == nil, o.Watch == WatchOff:
		return nil
	case o.ReadOnly && o.Inotify == InotifyAuto:
		return nil
	}
	return &pokes{
		fs: f, all: f.o.Inotify == InotifyOn, start: f.o.Poker, queue: newPokeQueue(),
		patience: 10 * time.Second, pause: time.Second,
		mount: poke.Mount{Secret: ".zkfs-" + rand.Text()},
		quit:  make(chan struct{}), done: make(chan struct{}),
	}
}

// pass queues what the kernel was told of another client's change. It never blocks.
func (p *pokes) pass(path string, due passed) {
	if !p.fs.ensemble.Covers() {
		due.what &^= ensemble.AttrChanged
	} else {
		due.what &^= ensemble.AttrChanged | ensemble.ChildrenChanged | ensemble.Dropped | ensemble.Own
	}
	dir, _ := ensemble.Split(path)
	if due.what != 0 && (path == "/" || due.wasKnown || p.fs.nodes.find(dir) != nil) {
		p.queue.add(path, due)
	}
}

// run makes pokes until stop is called.
func (p *pokes) run() {
	defer close(p.done)
	defer p.reap()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with run, or with stop
		select {
		case <-p.quit:
			cancel()
		case <-ctx.Done():
		}
	}()
	for ctx.Err() == nil {
		path, due, wait := p.queue.next(p.due)
		if path != "" {
			p.tell(ctx, path, due)
			continue
		}
		var timer <-chan time.Time
		if wait > 0 {
			timer = time.After(wait)
		}
		select {
		case <-p.queue.wake:
		case <-timer:
		case <-ctx.Done():
		}
	}
}

// stop ends the goroutine, and the poker with it, and waits for a moment. A poker that has the mount
// open keeps it from being unmounted.
func (p *pokes) stop() {
	if p == nil {
		return
	}
	p.mu.Lock()
	if !p.closed {
		close(p.quit)
	}
	p.closed = true
	if p.live != nil {
		p.live.Kill()
	}
	p.mu.Unlock()
	patience := time.NewTimer(time.Second)
	defer patience.Stop()
	select {
	case <-p.done:
	case <-patience.C:
	}
}

// due says when a change is to be told. A program that began to watch since the last look at what
// is watched hears of it after the next.
func (p *pokes) due(path string, due pendingPoke) (at time.Time, drop bool) {
	switch {
	case p.all || p.isWatched(path):
		return due.since, false
	case p.scanned.After(due.since):
		return at, path != "/"
	}
	return p.nextScan, false
}

// tell tells of what happened to one znode, if a program watches.
func (p *pokes) tell(ctx context.Context, path string, due pendingPoke) {
	if !p.all && !p.isWatched(path) {
		if !p.scanned.After(due.since) {
			p.scan(ctx)
		}
		if path != "/" && !p.isWatched(path) {
			return
		}
	}
	if due.has(ensemble.Everything) {
		p.missed(ctx, due.zxid)
		due.what &^= ensemble.Everything
	}
	if !p.fs.ensemble.Covers() {
		p.watchOn(ctx, path)
	}
	p.changed(ctx, path, due.passed)
	if !p.all && time.Now().After(p.nextScan) {
		p.scan(ctx) // a program may have ceased to watch
	}
}

// scan looks at what programs watch.
func (p *pokes) scan(ctx context.Context) {
	began := time.Now()
	seen, err := p.looker.Look(ctx)
	if ctx.Err() != nil {
		return
	}
	w := watched{Watched: seen, generations: map[uint32]bool{}}
	for h := range seen.Inodes {
		w.root = w.root || h.Node == rootNumber
		w.generations[h.Generation] = h.Node != rootNumber
	}
	p.watched, p.scanned = w, began
	now := time.Now()
	p.nextScan = now.Add(max(scanPause, scanShare*now.Sub(began)))
	p.queue.judge()
	p.seen(seen, err)
}

// isWatched reports whether a program watches what shows the znode at path, or its directory, as
// far as was seen at the last look.
func (p *pokes) isWatched(path string) bool {
	dir, _ := ensemble.Split(path)
	return p.watched.All || p.watches(path) || p.watches(dir) || p.watches(idOf(path, roleData))
}

// watches reports whether a program watches the node of that id.
func (p *pokes) watches(id string) bool {
	switch z := p.fs.nodes.find(id); {
	case z == nil:
		return false
	case id == "/":
		return p.watched.root
	default:
		return p.watched.generations[uint32(z.EmbeddedInode().StableAttr().Gen)]
	}
}
