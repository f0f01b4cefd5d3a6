package main

import (
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"
)

// next returns the next event of a watch.
func next(events <-chan zk.Event) zk.Event {
	select {
	case e := <-events:
		return e
	case <-time.After(patience):
		panic("no event")
	}
}

// show prints the one event of a watch, and that it was the only one.
func show(what, root string, events <-chan zk.Event) {
	e := next(events)
	_, more := <-events
	fmt.Println(what+":", e.Type, e.State, below(root, e.Path), name(e.Err), more)
}

// await reads the events of the session up to the state.
func await(events <-chan zk.Event, state zk.State) {
	for e := next(events); e.Type != zk.EventSession || e.State != state; e = next(events) {
	}
}

// watches waits for changes.
func watches(c *zk.Conn, events <-chan zk.Event, root string) {
	path := root + "/w"
	found, stat, created, err := c.ExistsW(path)
	fmt.Println("watch what is missing:", found, *stat, name(err))
	must(c.Create(path, nil, 0, world))
	show("created", root, created)
	e := next(events)
	fmt.Println("to everybody:", e.Type, e.State, below(root, e.Path))

	_, _, changed, err := c.GetW(path)
	check(err)
	_, _, exists, err := c.ExistsW(path)
	check(err)
	_, _, again, err := c.GetW(path)
	check(err)
	must(c.Set(path, []byte("x"), -1))
	show("changed", root, changed)
	show("changed for Exists", root, exists)
	show("changed for a second watch", root, again)

	_, _, children, err := c.ChildrenW(path)
	check(err)
	must(c.Create(path+"/x", nil, 0, world))
	show("children", root, children)
	_, _, children, err = c.ChildrenW(path)
	check(err)
	check(c.Delete(path+"/x", -1))
	show("children again", root, children)

	_, _, children, err = c.ChildrenW(path)
	check(err)
	_, _, changed, err = c.GetW(path)
	check(err)
	check(c.Delete(path, -1))
	show("deleted for Children", root, children)
	show("deleted for Get", root, changed)

	data, stat, none, err := c.GetW(path)
	fmt.Println("watch nothing:", data == nil, stat == nil, none == nil, name(err))
	names, stat, none, err := c.ChildrenW(path)
	fmt.Println("watch the children of nothing:", names == nil, stat == nil, none == nil, name(err))
}

// locks contends for a lock.
func locks(c *zk.Conn, server, root string) {
	path := root + "/locks/l"
	first := zk.NewLock(c, path, world)
	fmt.Println("unlock what is not locked:", name(first.Unlock()))
	fmt.Println("lock:", name(first.Lock()))
	fmt.Println("lock again:", name(first.Lock()))
	names, _, err := c.Children(path)
	check(err)
	for _, n := range names {
		fmt.Println("contender:", below(root, n))
	}
	rival := other(server)
	defer rival.Close()
	second := zk.NewLock(rival, path, world)
	locked := make(chan error, 1)
	go func() { locked <- second.LockWithData([]byte("rival")) }()
	_, _, changed, err := c.ChildrenW(path)
	check(err)
	if names, _, err = c.Children(path); len(names) < 2 {
		check(err)
		next(changed)
	}
	select {
	case <-locked:
		fmt.Println("both hold the lock")
	default:
	}
	fmt.Println("unlock:", name(first.Unlock()))
	fmt.Println("the rival locks:", name(<-locked))
	names, _, err = c.Children(path)
	check(err)
	data, _, err := c.Get(path + "/" + names[0])
	fmt.Printf("the rival's data: %d %q %s\n", len(names), data, name(err))
	fmt.Println("the rival unlocks:", name(second.Unlock()), name(second.Unlock()))
}

// reconnect loses the connection and keeps the session.
func reconnect(c *zk.Conn, events <-chan zk.Event, n *network, root string) {
	path := root + "/r"
	must(c.Create(path, nil, zk.FlagEphemeral, world))
	_, _, changed, err := c.GetW(path)
	check(err)
	session := c.SessionID()
	n.cut(false)
	await(events, zk.StateDisconnected)
	await(events, zk.StateHasSession)
	fmt.Println("the same session:", c.SessionID() == session)
	must(c.Set(path, nil, -1))
	show("changed behind a reconnect", root, changed)
	_, _, err = c.Get(root + "/acl")
	fmt.Println("still authenticated:", name(err))
}

// expiry loses the session.
func expiry(c *zk.Conn, events <-chan zk.Event, n *network, root string) {
	_, _, changed, err := c.GetW(root)
	check(err)
	session := c.SessionID()
	n.cut(true)
	await(events, zk.StateDisconnected)
	time.Sleep(2 * timeout)
	n.cut(false)
	await(events, zk.StateExpired)
	e := next(changed)
	_, more := <-changed
	fmt.Println("the watch ends:", e.Type, e.State, below(root, e.Path), name(e.Err), more)
	await(events, zk.StateHasSession)
	fmt.Println("another session:", c.SessionID() != session, c.State())
	found, _, err := c.Exists(root + "/r")
	fmt.Println("the ephemeral:", found, name(err))
}

// options connects with what today's programs pass to Connect.
func options(server, root string) {
	var own logger
	states := make(chan zk.State, 100)
	c, _, err := zk.Connect([]string{server}, timeout,
		zk.WithLogger(&own),
		zk.WithLogInfo(false),
		zk.WithHostProvider(zk.NewDNSHostProvider(zk.WithLookupTimeout(time.Second))),
		zk.WithEventCallback(func(e zk.Event) { states <- e.State }),
		zk.WithMaxBufferSize(1024),
		zk.WithMaxConnBufferSize(4096),
		func(c *zk.Conn) { fmt.Println("an option of my own:", c.State()) },
	)
	check(err)
	defer c.Close()
	fmt.Println("callback:", <-states, <-states, <-states)
	must(c.Create(root+"/large", make([]byte, 2048), 0, world))
	_, _, err = c.Get(root + "/large")
	fmt.Println("a reply that is too large:", err != nil)
	_, err = c.Set(root+"/large", make([]byte, 8192), -1)
	fmt.Println("a request that is too large:", err != nil)

	c, _, err = zk.ConnectWithDialer([]string{server}, timeout, new(network).dial)
	check(err)
	defer c.Close()
	_, _, err = c.Get(root)
	fmt.Println("with a dialer:", name(err))
}

// closing ends the session.
func closing(c *zk.Conn, events <-chan zk.Event, root string) {
	_, _, changed, err := c.GetW(root)
	check(err)
	c.Close()
	c.Close()
	e := next(changed)
	_, more := <-changed
	fmt.Println("the watch ends:", e.Type, e.State, below(root, e.Path), name(e.Err), more)
	deadline := time.After(patience)
	for open := true; open; {
		select {
		case _, open = <-events:
		case <-deadline:
			panic("the events go on")
		}
	}
	_, _, err = c.Get(root)
	fmt.Println("after Close:", err != nil, c.State())
}
