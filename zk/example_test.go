package zk_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// open connects to a server for an example. Programs name their own.
func open() (c *zk.Conn, done func()) {
	server := zktest.NewServer()
	c, _, err := zk.Connect([]string{server.Addr()}, 10*time.Second, zk.WithLogInfo(false))
	if err != nil {
		log.Fatal(err)
	}
	return c, func() {
		c.Close()
		server.Close()
	}
}

func ExampleConnect() {
	server := zktest.NewServer() // a real program names its servers: "zk1:2181", "zk2:2181", "zk3:2181"
	defer server.Close()

	c, events, err := zk.Connect([]string{server.Addr()}, 10*time.Second, zk.WithLogInfo(false))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for e := range events {
		fmt.Println(e.State)
		if e.State == zk.StateHasSession {
			break
		}
	}
	path, err := c.Create("/greeting", []byte("hello"), zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
	if err != nil {
		log.Fatal(err)
	}
	data, stat, err := c.Get(path)
	fmt.Printf("%s: %q, version %d, %v\n", path, data, stat.Version, err)
	// Output:
	// StateConnecting
	// StateConnected
	// StateHasSession
	// /greeting: "hello", version 0, <nil>
}

// A loop that follows the data of a znode: each round reads it and sets the next watch in one request, so no
// change is missed, though several may show as one.
func ExampleConn_GetW() {
	c, done := open()
	defer done()
	c.Create("/config", []byte("1"), 0, zk.WorldACL(zk.PermAll))
	go func() { // another client
		c.Set("/config", []byte("2"), 0)
	}()

	for {
		data, stat, changed, err := c.GetW("/config")
		if err != nil {
			log.Fatal(err) // or try again, unless it is zk.ErrNoNode
		}
		if stat.Version == 1 {
			fmt.Printf("%s\n", data)
			return
		}
		if e := <-changed; e.Err != nil {
			log.Fatal(e.Err) // the session is over
		}
	}
	// Output: 2
}

// One recursive watch follows a whole tree, and stays.
func ExampleConn_AddWatch() {
	c, done := open()
	defer done()
	w, err := c.AddWatch("/", zk.AddWatchPersistentRecursive)
	if err != nil {
		log.Fatal(err)
	}
	defer w.Stop()

	c.Create("/a", nil, 0, zk.WorldACL(zk.PermAll))
	c.Create("/a/b", nil, 0, zk.WorldACL(zk.PermAll))
	c.Delete("/a/b", -1)

	for range 3 {
		e := <-w.Events()
		if e.Type == zk.EventLost {
			continue // events may be missing here: look at the znodes again
		}
		fmt.Println(e.Type, e.Path)
	}
	// Output:
	// EventNodeCreated /a
	// EventNodeCreated /a/b
	// EventNodeDeleted /a/b
}

func ExampleConn_Multi() {
	c, done := open()
	defer done()
	acl := zk.WorldACL(zk.PermAll)
	_, err := c.Multi(
		&zk.CreateRequest{Path: "/accounts", Acl: acl},
		&zk.CreateRequest{Path: "/accounts/alice", Data: []byte("100"), Acl: acl},
		&zk.CreateRequest{Path: "/accounts/bob", Data: []byte("0"), Acl: acl},
	)
	fmt.Println(err)

	// All or nothing: the second set is based on a version that is not there.
	results, err := c.Multi(
		&zk.SetDataRequest{Path: "/accounts/alice", Data: []byte("50"), Version: 0},
		&zk.SetDataRequest{Path: "/accounts/bob", Data: []byte("50"), Version: 7},
	)
	fmt.Println(errors.Is(err, zk.ErrBadVersion), errors.Is(results[1].Error, zk.ErrBadVersion))
	data, _, _ := c.Get("/accounts/alice")
	fmt.Printf("%s\n", data)
	// Output:
	// <nil>
	// true true
	// 100
}

func ExampleConn_Pipeline() {
	c, done := open()
	defer done()
	var creates []any
	for i := range 1000 {
		creates = append(creates, &zk.CreateRequest{Path: fmt.Sprintf("/n%d", i), Acl: zk.WorldACL(zk.PermAll)})
	}
	failed := 0
	for _, r := range c.Pipeline(creates...) {
		if r.Err != nil {
			failed++
		}
	}
	fmt.Println(len(creates), "created,", failed, "failed")
	// Output: 1000 created, 0 failed
}

func ExampleConn_WithContext() {
	c, done := open()
	defer done()
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // a program has a deadline here
	_, err := c.WithContext(ctx).Set("/a", nil, -1)
	fmt.Println(errors.Is(err, context.Canceled), zk.MaybeApplied(err))
	// Output: true false
}

// A holder that hears that its lock is lost stops what it does.
func ExampleLock() {
	c, done := open()
	defer done()
	l := zk.NewLock(c, "/locks/deploy", zk.WorldACL(zk.PermAll))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := l.LockContext(ctx); err != nil {
		log.Fatal(err)
	}
	work := make(chan string, 1)
	go func() { work <- fmt.Sprint("deployed, fenced by a positive number: ", l.Zxid() > 0) }()
	select {
	case result := <-work:
		fmt.Println(result)
	case <-l.Lost():
		log.Fatal("the lock was lost")
	}
	fmt.Println(l.Unlock())
	// Output:
	// deployed, fenced by a positive number: true
	// <nil>
}

// Each client that lines up gets a number of its own, and leaves the line with its session.
func ExampleConn_Create() {
	c, done := open()
	defer done()
	acl := zk.WorldACL(zk.PermAll)
	if _, err := c.Create("/line", nil, zk.FlagPersistent, acl); err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"alice", "bob"} {
		path, err := c.Create("/line/n-", []byte(name), zk.FlagEphemeralSequential, acl)
		fmt.Println(path, err)
	}
	_, stat, err := c.Children("/line")
	fmt.Println(stat.NumChildren, "children", err)
	// Output:
	// /line/n-0000000000 <nil>
	// /line/n-0000000001 <nil>
	// 2 children <nil>
}

// The reply to a write is lost. The program asks what became of the write before it sends it again:
// the version tells, because each set makes the next one.
func ExampleMaybeApplied() {
	server := zktest.NewServer()
	defer server.Close()
	lose := true
	server.OnRequest(func(r zktest.Request) zktest.Fault {
		fault := zktest.Fault{Lose: lose && r.Op == "setData"}
		lose = lose && !fault.Lose
		return fault
	})
	c, _, err := zk.Connect([]string{server.Addr()}, 10*time.Second, zk.WithLogger(silence{}))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Create("/config", []byte("old"), 0, zk.WorldACL(zk.PermAll)); err != nil {
		log.Fatal(err)
	}

	_, base, err := c.Get("/config")
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.Set("/config", []byte("new"), base.Version)
	switch {
	case err == nil:
	case errors.Is(err, zk.ErrBadVersion):
		log.Fatal("another client was first: read again, and decide again")
	case zk.MaybeApplied(err):
		fmt.Println(err)
		c.Sync("/config") // the next server may lag behind the one that applied the set
		data, stat, err := c.Get("/config")
		fmt.Printf("version %d became %d, with %q, %v\n", base.Version, stat.Version, data, err)
	default:
		log.Fatal(err) // nothing has changed
	}
	// Output:
	// zk: connection closed
	// version 0 became 1, with "new", <nil>
}
