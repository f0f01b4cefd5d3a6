package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zkfs/zkfs/zk"
)

// The list with the Stats of children is no operation of ZooKeeper.

const childStatsRow = "a list may come with the Stats of the children"

var childStatsCases = []Case{{childStatsRow, lacking(func(c *zk.Conn) error {
	_, _, err := c.ChildStats("/")
	return err
})}}

var childStats = []difference{{ChildStats, []string{childStatsRow}, func(e *env) {
	c := e.connect()
	e.knows(c, zk.FeatureChildStats)
	e.create("/d", "")
	e.create("/d/b", "22")
	e.create("/d/a", "")
	e.create("/d/a/c", "")
	children, stat, events, err := c.ChildStatsW("/d")
	e.must(err)
	equal(e, "stat", *stat, *e.stat("/d"))
	slices.SortFunc(children, func(x, y zk.Child) int { return strings.Compare(x.Name, y.Name) })
	for i, name := range []string{"a", "b"} {
		equal(e, "name", children[i].Name, name)
		equal(e, name, *children[i].Stat, *e.stat("/d/" + name))
	}
	e.set("/d/a", "x") // the watch is that of a list
	e.silent(c, events)
	e.createAs("/d/locked", "", 0, others)
	e.receives(events, zk.EventNodeChildrenChanged, "/d")
	_, _, err = c.ChildStats("/d") // would tell of what the session may not read
	e.fails(err, zk.ErrNoAuth)
	e.must(third(c.Children("/d")))
	_, _, err = c.ChildStats("/no")
	e.fails(err, zk.ErrNoNode)
	children, _, err = c.ChildStats("/d/b")
	e.must(err)
	equal(e, "children of a leaf", fmt.Sprintf("%#v", children), "[]zk.Child{}")
}}}

// knows returns once c knows that the server has a feature that no call waits for.
func (e *env) knows(c *zk.Conn, f zk.Feature) {
	e.Helper()
	for {
		_, _, err := c.ChildStats("/") // which lets the server be asked
		switch c.Features()[f] {
		case zk.Supported:
			return
		case zk.Lacking:
			e.Fatalf("the server lacks %v: %v", f, err)
		}
		e.must(second(c.Sync("/")))
	}
}
