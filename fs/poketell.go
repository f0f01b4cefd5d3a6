package fs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/internal/poke"
	"github.com/zkfs/zkfs/zk"
)

// changed makes the pokes about one znode. What it asks the servers it asks before: the poker's calls
// reach no server.
func (p *pokes) changed(ctx context.Context, path string, due passed) {
	dir, _ := ensemble.Split(path)
	if path == "/" {
		p.data(ctx, path)
		return
	}
	above, ok := p.fs.nodes.find(dir).(interface{ takesChildren() bool })
	if !ok || !above.takesChildren() || p.fs.kinds.IsLockPath(path) {
		return // the queue of a lock, which is no file
	}
	switch node := p.fs.nodes.find(path); {
	case due.has(ensemble.Created):
		p.came(ctx, path, due)
	case due.has(ensemble.Deleted) && node == nil: // else there is another one by now
		p.self(ctx, path, kindOf(due.wasDir, poke.DirDeleted, poke.FileDeleted))
	case due.has(ensemble.AttrChanged) && node != nil && !due.has(ensemble.DataChanged):
		p.self(ctx, path, poke.Attributes)
	case !due.has(ensemble.DataChanged):
	case node != nil && node.EmbeddedInode().IsDir():
		p.data(ctx, path)
	case node != nil:
		p.self(ctx, path, poke.Modified)
	default: // the kernel does not know it: it may be a directory
		if st, err := p.stat(ctx, path); err == nil && p.fs.kinds.KindOf(path, st) == names.KindFile {
			p.self(ctx, path, poke.Modified)
		}
	}
}

// came tells of a znode that was created. One that the kernel knew before was deleted in between.
func (p *pokes) came(ctx context.Context, path string, due passed) {
	st, err := p.stat(ctx, path)
	exists := err == nil
	if due.has(ensemble.Deleted) && (due.wasKnown || !exists) {
		p.self(ctx, path, kindOf(due.wasDir, poke.DirDeleted, poke.FileDeleted))
	}
	switch {
	case errors.Is(err, zk.ErrNoNode): // the news of its deletion follow
	case err != nil:
		p.failed(path, err)
	case p.fs.kinds.KindOf(path, st) == names.KindDir:
		p.self(ctx, path, poke.DirCreated)
	case !p.self(ctx, path, kindOf(st.DataLength > 0, poke.DataCreated, poke.FileCreated)):
		p.self(ctx, path, poke.Modified) // a program uses it already
	}
}

// data tells that the data of a directory's znode has changed, which is a file inside.
func (p *pokes) data(ctx context.Context, path string) {
	if p.fs.nodes.find(idOf(path, roleData)) != nil {
		p.raise(ctx, ensemble.Join(FilePath(path), names.Data), path, poke.Modified)
	}
}

// self tells of what happened to the file or directory that shows a znode; see raise.
func (p *pokes) self(ctx context.Context, znode string, kind poke.Kind) (done bool) {
	return p.raise(ctx, FilePath(znode), znode, kind)
}

func kindOf(first bool, yes, no poke.Kind) poke.Kind {
	if first {
		return yes
	}
	return no
}

func (p *pokes) stat(ctx context.Context, path string) (*zk.Stat, error) {
	ctx, cancel := p.fs.limits.Bound(ctx)
	defer cancel()
	s, err := p.fs.ensemble.Know(ctx, path)
	return s.Stat, err
}

// raiseTries is how often a poke is tried that finds a name which a program has looked up before it.
const raiseTries = 5

// raise makes one poke about a file or directory of the mount, and the znode that it shows. It is not
// done if a program uses what has the name now.
func (p *pokes) raise(ctx context.Context, file, znode string, kind poke.Kind) (done bool) {
	dir, name := ensemble.Split(file)
	order := poke.Order{Kind: kind, Dir: strings.TrimPrefix(dir, "/"), Name: name}
	if order.Dir == "" {
		order.Dir = "."
	}
	var r poke.Result
	var err error
	for try := range raiseTries {
		r, err = p.order(ctx, file, order)
		if ctx.Err() != nil {
			return true
		}
		if err != nil && try == 0 {
			continue
		}
		if err != nil || !inTheWay(kind, r) {
			break
		}
		p.fs.notify.reveal(znode)
		settled, cancel := context.WithTimeout(ctx, tellTime)
		_ = p.fs.notify.settle(settled) // an error is only that it took too long
		cancel()
	}
	p.queue.made(znode)
	switch {
	case err != nil:
		p.failed(file, err)
	case r.Elsewhere:
		p.failed(file, fmt.Errorf("the mount is not at its place: %w", r.Errno))
	case r.Errno != 0 && r.Call == "root":
		p.failed(file, fmt.Errorf("openat2 and the number of a mount by statx are needed: %w", r.Errno))
	case r.Errno == syscall.EEXIST || r.Errno == syscall.ENOENT || r.Errno == syscall.EPERM:
		p.fs.log.Debug("inotify: it has changed again", "path", file, "err", r.Errno)
	case r.Errno != 0:
		p.failed(file, fmt.Errorf("%s: %w", r.Call, r.Errno))
	default:
		p.raised()
	}
	return err != nil || !inTheWay(kind, r)
}

// inTheWay reports whether the poker found what a program has looked up meanwhile: a name that is to
// be created, or none that is to be deleted.
func inTheWay(kind poke.Kind, r poke.Result) bool {
	switch kind {
	case poke.FileCreated, poke.DataCreated:
		return r.Errno == syscall.EEXIST
	case poke.FileDeleted, poke.DirDeleted:
		return r.Errno == syscall.ENOENT || r.Errno == syscall.EPERM
	}
	return false
}

// order has the poker carry out one order. It starts one where none runs.
func (p *pokes) order(ctx context.Context, file string, o poke.Order) (poke.Result, error) {
	if p.process == nil {
		if err := p.rest(ctx); err != nil {
			return poke.Result{}, err
		}
		process, err := poke.Start(p.start(), p.mount)
		if err != nil {
			p.failedPoker()
			return poke.Result{}, err
		}
		p.process = process
		p.mu.Lock()
		p.live = process
		if p.closed {
			process.Kill()
		}
		p.mu.Unlock()
		p.fs.announced.thread.Store(process.Thread())
	}
	p.fs.announced.announce(o.Kind, file)
	r, err := p.process.Do(o, p.patience)
	p.fs.announced.withdraw()
	if err != nil {
		p.reap()
		p.failedPoker()
	} else {
		p.useless = 0
	}
	return r, err
}

// pauseMax is the longest time in which no poker is started, although there is something to tell.
const pauseMax = time.Minute

// failedPoker notes that a poker could not be started, or ended before it did anything. The next one
// follows at once, in case a process has killed it, but no more than that: where none can run,
// starting one for each change would take a processor.
func (p *pokes) failedPoker() {
	if p.useless++; p.useless > 1 {
		p.restart = time.Now().Add(min(p.pause<<min(p.useless-2, 10), max(p.pause, pauseMax)))
	}
}

// rest waits until a poker may be started.
func (p *pokes) rest(ctx context.Context) error {
	select {
	case <-time.After(time.Until(p.restart)):
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reap ends the poker. Nothing is taken for its call any more when its thread may be another's.
func (p *pokes) reap() {
	if p.process == nil {
		return
	}
	p.process.End()
	p.fs.announced.thread.Store(0)
	p.process.Reap()
	p.mu.Lock()
	p.live = nil
	p.mu.Unlock()
	p.process = nil
}
