package zk

import (
	"fmt"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// A Child is a child of a znode, as [Conn.ChildStats] returns it.
type Child struct {
	Name string
	Stat *Stat
}

// ChildStats returns the children of path with their Stats, in no order, and the Stat of path, all
// of one moment and in one request. Only ClickHouse Keeper and RaftKeeper have such a request, from
// 2026 on. It returns ErrUnimplemented, and sends nothing, where the server lacks
// [FeatureChildStats]. Unlike other calls it does not wait until that is known: the first one lets
// the server be asked, and returns ErrUnimplemented. [Conn.Children] and [Conn.MultiRead] do the
// same in more requests. Errors: ErrNoNode, ErrNoAuth without PermRead on path and on every child.
func (c *Conn) ChildStats(path string) ([]Child, *Stat, error) {
	children, stat, _, err := c.childStats(path, false)
	return children, orZero(stat), err
}

// ChildStatsW is ChildStats, and sets the watch that [Conn.ChildrenW] sets. Changes of the Stats of
// children do not fire it.
func (c *Conn) ChildStatsW(path string) ([]Child, *Stat, <-chan Event, error) {
	return c.childStats(path, true)
}

func (c *Conn) childStats(path string, watch bool) ([]Child, *Stat, <-chan Event, error) {
	p, err := c.serverPath(path)
	if err != nil {
		return nil, nil, nil, err
	}
	cl := c.newCall(wire.OpFilteredListWithData)
	request := wire.FilteredListWithDataRequest{Path: p, Watch: watch, WithStats: true}
	cl.body = request.Append(cl.body)
	events := c.watchFor(cl, p, watchChild, watch)
	if err := c.do(cl); err != nil {
		return nil, nil, nil, err
	}
	defer cl.free()
	var r wire.FilteredListWithDataResponse
	if err := c.decode(cl, r.Decode); err != nil {
		return nil, nil, nil, err
	}
	if len(r.Stats) != len(r.Children) {
		err := fmt.Errorf("zk: %v: %w: %d Stats of %d children",
			cl.op, wire.ErrMalformed, len(r.Stats), len(r.Children))
		c.misread(cl.op, cl.reply, err)
		return nil, nil, nil, err
	}
	children := make([]Child, 0, len(r.Children))
	for i, name := range r.Children {
		if c.receivedName(name) {
			children = append(children, Child{name, statOf(&r.Stats[i])})
		}
	}
	return children, statOf(&r.Stat), events, nil
}
