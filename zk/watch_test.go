package zk_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// An event stands in its channel before a later reply is delivered.
func TestEventComesBeforeLaterReplies(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		var seen []zk.Event
		var mu sync.Mutex
		cancel := c.OnEvent(func(e zk.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Type != zk.EventSession {
				seen = append(seen, e)
			}
		})
		create(t, c, "/a")
		_, _, fired, err := c.GetW("/a")
		wantErr(t, err, nil)
		w, err := c.AddWatch("/", zk.AddWatchPersistentRecursive)
		wantErr(t, err, nil)
		if _, err := c.Set("/a", nil, -1); err != nil {
			t.Fatal(err)
		}
		select {
		case e := <-fired:
			if e.Type != zk.EventNodeDataChanged || e.Path != "/a" {
				t.Errorf("event %v", e)
			}
		default:
			t.Error("the reply to the set came before the event of the watch")
		}
		if len(w.Events()) != 1 {
			t.Errorf("%d events at the watcher", len(w.Events()))
		}
		mu.Lock()
		if len(seen) != 1 {
			t.Errorf("the observer saw %v, want one event", seen)
		}
		mu.Unlock()
		cancel()
		wantErr(t, c.Delete("/a", -1), nil)
		mu.Lock()
		defer mu.Unlock()
		if len(seen) != 1 {
			t.Errorf("the observer saw %v after its end", seen)
		}
	})
}

// A watch on the children does not fire when the data changes.
func TestChildWatchIgnoresData(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		create(t, c, "/a")
		_, _, fired, err := c.ChildrenW("/a")
		wantErr(t, err, nil)
		if _, err := c.Set("/a", nil, -1); err != nil {
			t.Fatal(err)
		}
		if len(fired) != 0 {
			t.Errorf("fired: %v", <-fired)
		}
		create(t, c, "/a/b")
		if e := receive(t, fired); e.Type != zk.EventNodeChildrenChanged {
			t.Errorf("event %v", e)
		}
	})
}

// What happens while the connection is away is reported by one-shot watches when it is back.
func TestWatchesSurviveTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		other, _ := connect(t, server)
		create(t, other, "/data")
		create(t, other, "/dir")
		c, events := connect(t, server)
		_, _, data, err := c.GetW("/data")
		wantErr(t, err, nil)
		_, _, missing, err := c.ExistsW("/missing")
		wantErr(t, err, nil)
		_, _, children, err := c.ChildrenW("/dir")
		wantErr(t, err, nil)
		_, _, later, err := c.GetW("/dir")
		wantErr(t, err, nil)
		await(t, events, zk.StateHasSession)

		server.Refuse(true)
		server.Disconnect()
		await(t, events, zk.StateDisconnected)
		server.Refuse(false)
		change := func() error {
			_, err := other.Set("/data", nil, -1)
			return err
		}
		for change() != nil {
		}
		create(t, other, "/missing")
		create(t, other, "/dir/child")
		await(t, events, zk.StateHasSession)
		for _, want := range []struct {
			fired <-chan zk.Event
			t     zk.EventType
		}{{data, zk.EventNodeDataChanged}, {missing, zk.EventNodeCreated}, {children, zk.EventNodeChildrenChanged}} {
			if e := receive(t, want.fired); e.Type != want.t {
				t.Errorf("%v, want %v", e, want.t)
			}
		}
		if len(later) != 0 {
			t.Errorf("a watch fired without a change: %v", <-later)
		}
		if _, err := other.Set("/dir", nil, -1); err != nil {
			t.Fatal(err)
		}
		if e := receive(t, later); e.Type != zk.EventNodeDataChanged {
			t.Errorf("event %v", e)
		}
	})
}

// 100,000 watches are set again in several requests, all of them ahead of any other, none near the server's limit.
func TestManyWatchesAreSetAgain(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		const n, callers = 100_000, 100
		name := strings.Repeat("ä", 20) // two bytes each
		fired := make([]<-chan zk.Event, n)
		var calls sync.WaitGroup
		for g := range callers {
			calls.Go(func() {
				for i := g; i < n; i += callers {
					_, _, w, err := c.ExistsW(fmt.Sprintf("/%s%d", name, i))
					if err != nil {
						t.Error(err)
					}
					fired[i] = w
				}
			})
		}
		calls.Wait()
		var mu sync.Mutex
		var ops []string
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			mu.Lock()
			defer mu.Unlock()
			ops = append(ops, r.Op)
			return zktest.Fault{}
		})
		server.Disconnect()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for {
			_, err := c.WithContext(ctx).Create(fmt.Sprintf("/%s%d", name, n-1), nil, 0, acl)
			if err == nil {
				break
			} else if ctx.Err() != nil {
				t.Fatal(err)
			}
		}
		if e := receive(t, fired[n-1]); e.Type != zk.EventNodeCreated {
			t.Errorf("event %v", e)
		}
		mu.Lock()
		defer mu.Unlock()
		first := slices.Index(ops, "create")
		rearms := 0
		for i, op := range ops {
			if op == "setWatches" {
				rearms++
				if i > first {
					t.Error("a create went ahead of setWatches")
				}
			}
		}
		if least := n * len(name) / (128 << 10); rearms < least {
			t.Errorf("%d requests set %d watches, want at least %d", rearms, n, least)
		}
	})
}

func TestRefusedWatchesEnd(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		_, _, fired, err := c.ExistsW("/a")
		wantErr(t, err, nil)
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.Op == "setWatches" {
				return zktest.Fault{Code: -5}
			}
			return zktest.Fault{}
		})
		server.Disconnect()
		e := receive(t, fired)
		if e.Type != zk.EventNotWatching {
			t.Errorf("event %v", e)
		}
		wantErr(t, e.Err, zk.ErrMarshalling)
	})
}

func TestPersistentWatch(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		w, err := c.AddWatch("/a", zk.AddWatchPersistent)
		wantErr(t, err, nil)
		create(t, c, "/a")
		create(t, c, "/a/b")
		create(t, c, "/a/b/c")
		if _, err := c.Set("/a", nil, -1); err != nil {
			t.Fatal(err)
		}
		for _, want := range []zk.EventType{zk.EventNodeCreated, zk.EventNodeChildrenChanged, zk.EventNodeDataChanged} {
			if e := receive(t, w.Events()); e.Type != want || e.Path != "/a" {
				t.Errorf("%v, want %v of /a", e, want)
			}
		}
		server.Disconnect()
		if e := receive(t, w.Events()); e.Type != zk.EventLost {
			t.Errorf("after the reconnect: %v", e)
		}
		for {
			if _, err := c.Set("/a", nil, -1); err == nil {
				break
			}
		}
		if e := receive(t, w.Events()); e.Type != zk.EventNodeDataChanged {
			t.Errorf("event %v", e)
		}
		wantErr(t, w.Stop(), nil)
		wantErr(t, w.Stop(), nil)
		if _, open := <-w.Events(); open {
			t.Error("an event after Stop")
		}
	})
}

// The recursive watch of one znode sees all below it, and no more.
func TestRecursiveWatch(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server, zk.WithChroot("/zookeeper"))
		w, err := c.AddWatch("/", zk.AddWatchPersistentRecursive)
		wantErr(t, err, nil)
		_, _, _, err = c.ChildrenW("/quota") // makes the server send what a recursive watch does not report
		wantErr(t, err, nil)
		create(t, c, "/quota/a")
		wantErr(t, c.Delete("/quota/a", -1), nil)
		outside, _ := connect(t, server)
		create(t, outside, "/zookeeperx")
		if _, err := outside.Set("/zookeeper", []byte("x"), -1); err != nil {
			t.Fatal(err)
		}
		for _, want := range []zk.Event{
			{Type: zk.EventNodeCreated, Path: "/quota/a"}, {Type: zk.EventNodeDeleted, Path: "/quota/a"}, {Type: zk.EventNodeDataChanged, Path: "/"},
		} {
			if e := receive(t, w.Events()); e.Type != want.Type || e.Path != want.Path {
				t.Errorf("%v, want %v", e, want)
			}
		}
	})
}

// A holder who does not listen loses events, is told once, and holds up nobody.
func TestFullWatcherLosesEvents(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		create(t, c, "/a")
		w, err := c.AddWatch("/a", zk.AddWatchPersistent)
		wantErr(t, err, nil)
		sets := many(10000, &zk.SetDataRequest{Path: "/a", Version: -1})
		for _, r := range c.Pipeline(sets...) {
			wantErr(t, r.Err, nil)
		}
		events, lost := 0, 0
		for len(w.Events()) > 0 {
			if e := <-w.Events(); e.Type == zk.EventLost {
				lost++
				if len(w.Events()) > 0 {
					t.Errorf("%d events behind the lost ones", len(w.Events()))
				}
			} else {
				events++
			}
		}
		if lost != 1 || events < 1000 || events >= len(sets) {
			t.Errorf("%d events, lost %d times", events, lost)
		}
		if _, err := c.Set("/a", nil, -1); err != nil {
			t.Fatal(err)
		}
		if e := receive(t, w.Events()); e.Type != zk.EventNodeDataChanged {
			t.Errorf("after the queue was emptied: %v", e)
		}
	})
}

func TestRemovedWatchesAreGoneFromTheServer(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		create(t, c, "/a")
		_, _, first, err := c.GetW("/a")
		wantErr(t, err, nil)
		_, _, second, err := c.GetW("/a")
		wantErr(t, err, nil)
		_, _, child, err := c.ChildrenW("/a")
		wantErr(t, err, nil)
		wantErr(t, c.RemoveWatch("/a", first), nil)
		wantErr(t, c.RemoveWatch("/a", first), zk.ErrNoWatcher)
		if e := receive(t, first); e.Type != zk.EventNotWatching {
			t.Errorf("event %v", e)
		}
		wantErr(t, c.CheckWatches("/a", zk.WatcherData), nil)
		wantErr(t, c.RemoveWatch("/a", second), nil)
		wantErr(t, c.CheckWatches("/a", zk.WatcherData), zk.ErrNoWatcher)
		wantErr(t, c.CheckWatches("/a", zk.WatcherChildren), nil)
		wantErr(t, c.RemoveWatches("/a", zk.WatcherAny), nil)
		wantErr(t, c.CheckWatches("/a", zk.WatcherChildren), zk.ErrNoWatcher)
		if e := receive(t, child); e.Type != zk.EventNotWatching {
			t.Errorf("event %v", e)
		}
	})
}

// The server forgets all watches of a path when a lasting one is removed; those that are still wanted stay.
func TestStopLeavesOtherWatches(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		create(t, c, "/a")
		w, err := c.AddWatch("/a", zk.AddWatchPersistentRecursive)
		wantErr(t, err, nil)
		_, _, fired, err := c.ChildrenW("/a")
		wantErr(t, err, nil)
		wantErr(t, w.Stop(), nil)
		create(t, c, "/a/b")
		if e := receive(t, fired); e.Type != zk.EventNodeChildrenChanged {
			t.Errorf("event %v", e)
		}
	})
}

// A callback that blocks delays no call.
func TestCallbackDoesNotHoldUpTheReader(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		block := make(chan struct{})
		c, _ := connect(t, server, zk.WithEventCallback(func(zk.Event) { <-block }))
		create(t, c, "/a")
		for range 100 {
			_, _, _, err := c.GetW("/a")
			wantErr(t, err, nil)
			if _, err := c.Set("/a", nil, -1); err != nil {
				t.Fatal(err)
			}
		}
		close(block)
		synctest.Wait()
		pass(time.Second)
	})
}

// A muted Watcher says nothing but that it has ended.
func TestMutedWatcher(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		w, err := c.AddWatch("/", zk.AddWatchPersistentRecursive)
		wantErr(t, err, nil)
		w.Mute()
		seen := make(chan zk.Event, 1)
		defer c.OnEvent(func(e zk.Event) {
			if e.Type == zk.EventNodeCreated {
				seen <- e
			}
		})()
		create(t, c, "/a")
		receive(t, seen)
		server.Disconnect()
		await(t, events, zk.StateHasSession)
		if n := len(w.Events()); n > 0 {
			t.Errorf("%d events", n)
		}
		server.ExpireSession(c.SessionID())
		if e := receive(t, w.Events()); e.Type != zk.EventNotWatching {
			t.Errorf("at the end of the session: %v", e)
		}
		if _, open := <-w.Events(); open {
			t.Error("an event after the end")
		}
	})
}
