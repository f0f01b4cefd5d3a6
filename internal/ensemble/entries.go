package ensemble

import (
	"context"
	"slices"
	"strings"

	"github.com/zkfs/zkfs/zk"
)

// Entries returns what List returns, with a Snapshot of each child in the order of
// s.Children.All(), by one request to the servers whatever is known. ok is false where the servers
// have none that brings the Stats of children, or refuse it because of one child: List and Many tell
// the same in more requests.
//
// It is for --watch=node, where no Snapshot of a child may be kept. With a recursive watch List and
// Many bring the data too, of many directories at a time, and keep it.
func (e *Ensemble) Entries(ctx context.Context, path string) (s Snapshot, all []Snapshot, ok bool) {
	if e.watch.covers() || e.o.Perms {
		return Snapshot{}, nil, false
	}
	t := e.cache.begin(path)
	c := e.conn.WithContext(ctx)
	s, all, err := e.childStats(c, path)
	if err == nil && e.watch.wants(path, dataWatch) {
		// The watch is younger than s, which is kept only if nothing has happened before that.
		now, err := e.exists(ctx, c, path)
		ok = err == nil && now.Stat != nil && *now.Stat == *s.Stat
	} else {
		ok = err == nil
	}
	if !ok {
		e.cache.cancel(t)
		return Snapshot{}, nil, false
	}
	e.fromServers.Add(1)
	return e.cache.fill(t, s), all, true
}

func (e *Ensemble) childStats(c *zk.Conn, path string) (s Snapshot, all []Snapshot, err error) {
	var children []zk.Child
	if e.watch.arm(path, childWatch) {
		children, s.Stat, _, err = c.ChildStatsW(path)
		e.watch.failed(path, childWatch, err)
	} else {
		children, s.Stat, err = c.ChildStats(path)
	}
	if err != nil {
		return Snapshot{}, nil, err
	}
	slices.SortFunc(children, func(a, b zk.Child) int { return strings.Compare(a.Name, b.Name) })
	names := make([]string, len(children))
	all = make([]Snapshot, len(children))
	for i, child := range children {
		names[i], all[i] = child.Name, Snapshot{Stat: child.Stat}
	}
	s.Children = newChildren(names, s.Stat)
	return s, all, nil
}
