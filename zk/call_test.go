package zk_test

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

func TestLostReplyMayHaveBeenApplied(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		create(t, c, "/a")
		creates := 0
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.Op != "create" {
				return zktest.Fault{}
			}
			creates++
			return zktest.Fault{Lose: true}
		})
		_, err := c.Create("/a/b", nil, 0, acl)
		wantErr(t, err, zk.ErrConnectionClosed)
		if !zk.MaybeApplied(err) {
			t.Error("the error does not say that the create may have been applied")
		}
		if found, _, err := c.Exists("/a/b"); !found || err != nil {
			t.Errorf("created: %v, %v", found, err)
		}
		if creates != 1 {
			t.Errorf("the create was sent %d times", creates)
		}
	})
}

func TestNeverSentWasNeverApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := connectTo(t, refuse)
		_, err := c.Create("/a", nil, 0, acl)
		wantErr(t, err, zk.ErrNoServer)
		if zk.MaybeApplied(err) {
			t.Error("never sent, but may have been applied")
		}
	})
}

// A call that is given up does not disturb the order of the replies behind it.
func TestContextEndsACall(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		create(t, c, "/slow")
		if _, err := c.Create("/fast", []byte("fast"), 0, acl); err != nil {
			t.Fatal(err)
		}
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.Path == "/slow" {
				return zktest.Fault{Delay: 3 * time.Second}
			}
			return zktest.Fault{}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.WithContext(ctx).Set("/slow", nil, -1)
		wantErr(t, err, context.DeadlineExceeded)
		if !zk.MaybeApplied(err) {
			t.Error("the request was sent, but the error does not say so")
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("given up after %v", took)
		}
		data, _, err := c.Get("/fast")
		if string(data) != "fast" || err != nil {
			t.Errorf("the next call: %q, %v", data, err)
		}
	})
}

func TestTooLargeIsRefusedHere(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		_, err := c.Create("/a", make([]byte, 1<<20), 0, acl)
		wantErr(t, err, zk.ErrTooLarge)
		_, err = c.Multi(&zk.CreateRequest{Path: "/a", Data: make([]byte, 1<<20), Acl: acl})
		wantErr(t, err, zk.ErrTooLarge)
		// The largest that fits: header 8, path 4+2, data length 4, an ACL of one entry, flags 4.
		const rest = 8 + 6 + 4 + (4 + 4 + 4 + 5 + 4 + 6) + 4
		if _, err := c.Create("/a", make([]byte, 0xfffff-rest), 0, acl); err != nil {
			t.Error(err)
		}
		_, err = c.Create("/b", make([]byte, 0xfffff-rest+1), 0, acl)
		wantErr(t, err, zk.ErrTooLarge)
	})
}

func TestCallsInFlightAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server, zk.WithMaxInFlight(2))
		await(t, events, zk.StateHasSession)
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.Op == "exists" {
				return zktest.Fault{Delay: time.Second}
			}
			return zktest.Fault{}
		})
		var calls sync.WaitGroup
		for range 3 {
			calls.Go(func() { c.Exists("/") })
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, _, err := c.WithContext(ctx).Get("/")
		wantErr(t, err, context.DeadlineExceeded)
		if zk.MaybeApplied(err) {
			t.Error("the call beyond the bound was sent")
		}
		calls.Wait()
		for _, r := range c.Pipeline(many(100, &zk.GetDataRequest{Path: "/"})...) {
			wantErr(t, r.Err, nil)
		}
	})
}

// Pipelines that share the bound do not wait for each other's calls.
func TestPipelinesShareTheBound(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server, zk.WithMaxInFlight(4))
		await(t, events, zk.StateHasSession)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		var pipelines sync.WaitGroup
		for range 3 {
			pipelines.Go(func() {
				for range 100 {
					for _, r := range c.WithContext(ctx).Pipeline(many(100, &zk.ExistsRequest{Path: "/"})...) {
						wantErr(t, r.Err, nil)
					}
				}
			})
		}
		pipelines.Wait()
	})
}

func many(n int, op any) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = op
	}
	return list
}

func TestPipelineKeepsOrder(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		const n = 10000
		creates, gets := make([]any, n), make([]any, n)
		for i := range n {
			path := fmt.Sprintf("/n%d", i)
			creates[i] = &zk.CreateRequest{Path: path, Data: []byte(path), Acl: acl}
			gets[i] = &zk.GetDataRequest{Path: path}
		}
		for i, r := range c.Pipeline(creates...) {
			if want := fmt.Sprintf("/n%d", i); r.Err != nil || r.Path != want {
				t.Fatalf("create %d: %q, %v", i, r.Path, r.Err)
			}
		}
		for i, r := range c.Pipeline(gets...) {
			if want := fmt.Sprintf("/n%d", i); r.Err != nil || string(r.Data) != want {
				t.Fatalf("get %d: %q, %v", i, r.Data, r.Err)
			}
		}
		results := c.Pipeline(&zk.ExistsRequest{Path: "/no"}, &zk.GetDataRequest{Path: "bad"}, &zk.SyncRequest{Path: "/"})
		wantErr(t, results[0].Err, zk.ErrNoNode)
		wantErr(t, results[1].Err, zk.ErrInvalidPath)
		wantErr(t, results[2].Err, nil)
	})
}

func TestXidOutOfOrderEndsTheConnection(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		once := true
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.Op == "getData" && once {
				once = false
				return zktest.Fault{Xid: 5}
			}
			return zktest.Fault{}
		})
		_, _, err := c.Get("/")
		wantErr(t, err, zk.ErrConnectionClosed)
		e := await(t, events, zk.StateDisconnected)
		if e.Err == nil || !strings.Contains(e.Err.Error(), "xid") {
			t.Errorf("the event does not tell why: %v", e.Err)
		}
		if _, _, err := c.Get("/"); err != nil {
			t.Error(err)
		}
	})
}

// What other servers say on the port, or a broken one, costs neither memory nor more time than a connect may take.
func TestNotAServer(t *testing.T) {
	for name, answer := range map[string]string{
		"TLS alert":        "\x15\x03\x03\x00\x02\x02\x32",
		"HTTP":             "HTTP/1.1 400 Bad Request\r\n\r\n",
		"negative length":  "\xff\xff\xff\xff",
		"huge length":      "\x7f\xff\xff\xff",
		"short frame":      "\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00",
		"empty frame":      "\x00\x00\x00\x00",
		"half a frame":     "\x00\x00\x00\x25\x00\x00",
		"nothing":          "",
		"read-only server": "\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\xff\xff\xff\x89",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				dials := 0
				c, _ := connectTo(t, func(string, string, time.Duration) (net.Conn, error) {
					dials++
					client, server := net.Pipe()
					go func() { // ends when the client closes its side
						defer server.Close()
						buf := make([]byte, 1<<10)
						server.Read(buf)
						server.Write([]byte(answer))
						for {
							if _, err := server.Read(buf); err != nil {
								return
							}
						}
					}()
					return client, nil
				})
				_, _, err := c.Get("/")
				wantErr(t, err, zk.ErrNoServer)
				if took := time.Since(start); took > timeout {
					t.Errorf("given up after %v", took)
				}
				c.Close()
				if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > uint64(dials)*(1<<20) {
					t.Errorf("%d attempts allocated %d bytes", dials, after.TotalAlloc-before.TotalAlloc)
				}
			})
		})
	}
}

// After the handshake a malformed frame ends the connection, and nothing more.
func TestMalformedFrames(t *testing.T) {
	for name, frame := range map[string]string{
		"garbage":                   "GET / HTTP/1.1\r\n\r\n",
		"short":                     "\x00\x00\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00",
		"unknown xid":               "\x00\x00\x00\x10\x00\x00\x00\x63\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00",
		"auth reply nobody awaits":  "\x00\x00\x00\x10\xff\xff\xff\xfc\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00",
		"empty notification":        "\x00\x00\x00\x10\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00",
		"notification of no path":   "\x00\x00\x00\x1c\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x03\xff\xff\xff\xff",
		"notification of a bad one": "\x00\x00\x00\x1f\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00\x03abc",
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, server *zktest.Server) {
				c, events := connect(t, server)
				w, err := c.AddWatch("/", zk.AddWatchPersistentRecursive)
				wantErr(t, err, nil)
				await(t, events, zk.StateHasSession)
				server.Send([]byte(frame))
				await(t, events, zk.StateDisconnected)
				await(t, events, zk.StateHasSession)
				if _, _, err := c.Get("/"); err != nil {
					t.Error(err)
				}
				if e := receive(t, w.Events()); e.Type != zk.EventLost {
					t.Errorf("the watcher got %v, not that events may be missing", e)
				}
			})
		})
	}
}

// An idle connection holds no large buffers, not even after large requests and replies.
func TestIdleConnectionIsSmall(t *testing.T) {
	const bytes = 900 << 10
	addr := cannedServer(t, dataRecords(bytes))
	const n = 100
	var before, after runtime.MemStats
	runtime.GC() // twice: pools give up what they hold at the second one
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range n {
		c, _, err := zk.Connect([]string{addr}, timeout, quiet)
		wantErr(t, err, nil)
		defer c.Close()
		if _, err := c.Set("/", make([]byte, bytes), -1); err != nil {
			t.Fatal(err)
		}
		if data, _, err := c.Get("/"); err != nil || len(data) != bytes {
			t.Fatal(len(data), err)
		}
	}
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	inUse := func(m *runtime.MemStats) int64 { return int64(m.HeapInuse + m.StackInuse) }
	if each := (inUse(&after) - inUse(&before)) / n; each > 64<<10 {
		t.Errorf("%d bytes for each of %d connections, both ends counted", each, n)
	}
}

// A Get that travels alone allocates what it returns, and no more. With the race detector it is one more: its pools forget (sync/pool.go).
func TestGetTakesTwoAllocations(t *testing.T) {
	c, _, err := zk.Connect([]string{cannedServer(t, dataRecords(100))}, timeout, quiet)
	wantErr(t, err, nil)
	defer c.Close()
	allocs := testing.AllocsPerRun(1000, func() {
		if data, _, err := c.Get("/a"); err != nil || len(data) != 100 {
			t.Fatal(len(data), err)
		}
	})
	if allocs > 3 {
		t.Errorf("%v allocations, both ends counted", allocs)
	}
}

// A long list of children takes memory for all names at once, not for each.
func TestChildrenTakeFewAllocations(t *testing.T) {
	const names = 100_000
	c, _, err := zk.Connect([]string{cannedServer(t, childrenRecords(names))}, timeout, quiet)
	wantErr(t, err, nil)
	defer c.Close()
	allocs := testing.AllocsPerRun(10, func() {
		if list, _, err := c.Children("/"); err != nil || len(list) != names {
			t.Fatal(len(list), err)
		}
	})
	if allocs > 30 {
		t.Errorf("%v allocations for %d names, both ends counted", allocs, names)
	}
}
