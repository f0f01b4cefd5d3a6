package fs

import (
	"context"
	"errors"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/zk"
)

// missed tells of what happened after transaction zxid, while no event came: the connection was
// broken. Only what programs watch is looked at.
func (p *pokes) missed(ctx context.Context, zxid int64) {
	for _, path := range p.watchedPaths() {
		if ctx.Err() != nil {
			return
		}
		p.compare(ctx, path, zxid)
	}
}

// watchedPaths returns the paths of the znodes that programs watch, or of all that the kernel knows.
func (p *pokes) watchedPaths() (paths []string) {
	t := p.fs.nodes
	t.mu.Lock()
	defer t.mu.Unlock()
	for path, z := range t.at {
		if z.base().aside() {
			continue
		}
		gen := uint32(z.EmbeddedInode().StableAttr().Gen)
		if p.all || p.watched.All || p.watched.generations[gen] || path == "/" && p.watched.root {
			paths = append(paths, path)
		}
	}
	return paths
}

// compare tells of what happened to the znode at path, and to its children, after transaction zxid.
func (p *pokes) compare(ctx context.Context, path string, zxid int64) {
	st, err := p.stat(ctx, path)
	switch node := p.fs.nodes.find(path); {
	case node == nil:
	case errors.Is(err, zk.ErrNoNode):
		p.fs.notify.tellNews(path, ensemble.Deleted)
	case err != nil:
		p.failed(path, err)
	case node.kind() == names.KindDir:
		for _, child := range p.children(ctx, path, zxid) {
			if st, err := p.stat(ctx, child); err == nil && st.Mzxid > zxid {
				p.queue.add(child, passed{what: ensemble.DataChanged})
			}
		}
	case st.Mzxid > zxid:
		p.queue.add(path, passed{what: ensemble.DataChanged, wasKnown: true})
	}
}

// children tells of the children that are gone, and of those that came after transaction zxid and
// that no program has looked up yet. It returns the paths of the others.
func (p *pokes) children(request context.Context, path string, zxid int64) (rest []string) {
	ctx, cancel := p.fs.limits.Bound(request)
	defer cancel()
	s, err := p.fs.ensemble.List(ctx, path)
	node := p.fs.nodes.find(path)
	if err != nil || s.Children == nil || node == nil {
		return nil
	}
	for _, child := range node.EmbeddedInode().Children() {
		z, ok := child.Operations().(znode)
		if !ok || z.base().aside() || z.base().lifeNow().IsHere() {
			continue
		}
		where := z.base().where()
		if dir, name := ensemble.Split(where); dir == path && !s.Children.Has(name) {
			p.fs.notify.tellNews(where, ensemble.Deleted)
		}
	}
	for _, name := range s.Children.All() {
		child := ensemble.Join(path, name)
		if p.fs.nodes.find(child) == nil {
			if st, err := p.stat(request, child); err == nil && st.Czxid > zxid {
				p.queue.add(child, passed{what: ensemble.Created})
				continue
			}
		}
		rest = append(rest, child)
	}
	return rest
}

// watchOn keeps the watch of a znode that programs watch, where each znode has one of its own, which
// its event has used up or the cache has dropped: programs that watch do not ask again by
// themselves. It is there before the event of the change that is told now.
func (p *pokes) watchOn(ctx context.Context, path string) {
	node := p.fs.nodes.find(path)
	if node == nil {
		return
	}
	st, err := p.stat(ctx, path)
	d, isDir := node.(*dir)
	if err != nil || !isDir {
		return // an error: the next use of the file finds it
	}
	since := d.compared
	if since == 0 {
		since = st.Pzxid - 1 // the last change of its children alone
	}
	d.compared = st.Pzxid
	p.children(ctx, path, since)
}
