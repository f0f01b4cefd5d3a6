package zk_test

import (
	"fmt"
	"log"
	"sync/atomic"

	"github.com/zkfs/zkfs/zk"
)

// A cache of one value. The event of a change marks it as stale before this client can see the
// change by any other reply, so the cache never serves what the program has seen to be old.
func ExampleConn_OnEvent() {
	c, done := open()
	defer done()
	if _, err := c.Create("/price", []byte("10"), 0, zk.WorldACL(zk.PermAll)); err != nil {
		log.Fatal(err)
	}
	w, err := c.AddWatch("/price", zk.AddWatchPersistent)
	if err != nil {
		log.Fatal(err)
	}
	defer w.Stop()
	w.Mute() // the events come to OnEvent

	var fresh atomic.Bool
	var cached []byte
	defer c.OnEvent(func(zk.Event) { fresh.Store(false) })() // session events too: events may be lost
	price := func() []byte {
		if !fresh.Swap(true) { // before the request: an event from here on counts
			cached, _, err = c.Get("/price")
		}
		return cached
	}
	fmt.Printf("%s\n", price())
	if _, err := c.Set("/price", []byte("12"), -1); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, and again %[1]s from the cache\n", price())
	// Output:
	// 10
	// 12, and again 12 from the cache
}

// Requests that are started in one order are done in that order, also without waiting for a reply.
func Example_order() {
	c, done := open()
	defer done()
	results := c.Pipeline(
		&zk.CreateRequest{Path: "/a", Data: []byte("1"), Acl: zk.WorldACL(zk.PermAll)},
		&zk.SetDataRequest{Path: "/a", Data: []byte("2"), Version: 0},
		&zk.GetDataRequest{Path: "/a"},
		&zk.DeleteRequest{Path: "/a", Version: 1},
		&zk.GetDataRequest{Path: "/a"},
	)
	fmt.Printf("%s, then %v\n", results[2].Data, results[4].Err)
	// Output: 2, then zk: node does not exist
}
