package zk_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// opCounts counts the requests that the server gets. While the gate is closed the first of them waits, and so the client gathers the others.
type opCounts struct {
	mu    sync.Mutex
	ops   map[string]int
	delay time.Duration
	fail  int32 // code for every multiRead
}

func count(server *zktest.Server) *opCounts {
	o := &opCounts{ops: map[string]int{}}
	server.OnRequest(func(r zktest.Request) zktest.Fault {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.ops[r.Op]++
		f := zktest.Fault{Delay: o.delay}
		if r.Op == "multiRead" {
			f.Code = o.fail
		}
		return f
	})
	return o
}

// slow delays all requests from now on.
func (o *opCounts) slow(delay time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.delay = delay
}

// knowMultiRead lets c find out that the server has multiRead.
func knowMultiRead(t *testing.T, c *zk.Conn) {
	t.Helper()
	if _, err := c.MultiRead(&zk.GetDataRequest{Path: "/"}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // until the connection that asked has ended
}

// gather lets n calls wait for the write loop at the same moment: a large write keeps it busy until all are there.
func gather(t *testing.T, c *zk.Conn, n int, call func(i int)) {
	t.Helper()
	var calls sync.WaitGroup
	calls.Go(func() { c.Set("/big", make([]byte, 500<<10), -1) })
	synctest.Wait()
	for i := range n {
		calls.Go(func() { call(i) })
	}
	calls.Wait()
}

func TestGetsTravelTogether(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		knowMultiRead(t, c)
		create(t, c, "/big")
		for i := range 100 {
			if i%10 != 7 {
				if _, err := c.Create(fmt.Sprintf("/n%d", i), []byte(fmt.Sprint(i)), 0, acl); err != nil {
					t.Fatal(err)
				}
			}
		}
		get := func(c *zk.Conn) func(i int) {
			return func(i int) {
				data, stat, err := c.Get(fmt.Sprintf("/n%d", i))
				if i%10 == 7 {
					if err != zk.ErrNoNode {
						t.Errorf("missing: %q, %v, %v", data, stat, err)
					}
				} else if err != nil || string(data) != fmt.Sprint(i) || stat.DataLength != int32(len(data)) {
					t.Errorf("%d: %q, %v, %v", i, data, stat, err)
				}
			}
		}
		seen := count(server)
		seen.slow(time.Millisecond)
		gather(t, c, 100, get(c))
		if seen.ops["multiRead"] == 0 || seen.ops["getData"] > 20 {
			t.Errorf("requests: %v", seen.ops)
		}

		alone, events := connect(t, server, zk.WithSingleReads())
		await(t, events, zk.StateHasSession)
		seen = count(server)
		seen.slow(time.Millisecond)
		gather(t, alone, 100, get(alone))
		if seen.ops["multiRead"] != 0 || seen.ops["getData"] != 100 {
			t.Errorf("requests of a client that sends single reads: %v", seen.ops)
		}

		// A server that does not know multiRead gets every Get again, alone.
		seen = count(server)
		seen.delay, seen.fail = time.Millisecond, -6
		gather(t, c, 100, get(c))
		gather(t, c, 100, get(c))
		if seen.ops["multiRead"] == 0 || seen.ops["multiRead"] > 3 || seen.ops["getData"] < 180 {
			t.Errorf("requests to an old server: %v", seen.ops)
		}
	})
}

// Those who leave a batch do not disturb the others, nor does a connection that breaks.
func TestBatchesAreLeft(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		knowMultiRead(t, c)
		create(t, c, "/big")
		for i := range 50 {
			create(t, c, fmt.Sprintf("/n%d", i))
		}
		seen := count(server)
		seen.slow(time.Second)
		gather(t, c, 50, func(i int) {
			if i%2 == 0 {
				if _, _, err := c.Get(fmt.Sprintf("/n%d", i)); err != nil {
					t.Error(err)
				}
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*50*time.Millisecond)
			defer cancel()
			c.WithContext(ctx).Get(fmt.Sprintf("/n%d", i))
		})
		failed := 0
		var mu sync.Mutex
		gather(t, c, 50, func(i int) {
			if i == 0 {
				pass(1500 * time.Millisecond)
				server.Disconnect()
				return
			}
			if _, _, err := c.Get(fmt.Sprintf("/n%d", i)); err == zk.ErrConnectionClosed {
				mu.Lock()
				failed++
				mu.Unlock()
			} else if err != nil {
				t.Error(err)
			}
		})
		if failed == 0 {
			t.Error("no Get was on its way when the connection broke")
		}
		if _, _, err := c.Get("/n1"); err != nil {
			t.Error(err)
		}
	})
}

// Gets that wait for the reply to others are sent after it, before a later request of another kind, and on the next connection.
func TestGetsThatAreHeldBack(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connectFor(t, time.Minute, server.Dialer()) // no ping comes between
		knowMultiRead(t, c)
		for _, name := range []string{"/a", "/b", "/c", "/d"} {
			create(t, c, name)
		}
		var order []string
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			order = append(order, r.Op+r.Path)
			return zktest.Fault{Delay: time.Second}
		})
		var calls sync.WaitGroup
		var errs [4]error
		start := func(i int, call func() error) {
			calls.Go(func() { errs[i] = call() })
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		get := func(path string) func() error {
			return func() error { _, _, err := c.WithContext(ctx).Get(path); return err }
		}
		start(0, get("/a"))
		start(1, get("/b"))
		start(2, get("/c"))
		calls.Wait()
		if got, want := fmt.Sprint(order, errs), "[getData/a getData/b getData/c] [<nil> <nil> <nil> <nil>]"; got != want {
			t.Errorf("%s, want %s", got, want)
		}

		order = nil
		start(0, get("/a"))
		start(1, get("/b"))
		start(2, get("/c"))
		start(3, func() error { _, err := c.Set("/d", nil, -1); return err })
		calls.Wait()
		if got, want := fmt.Sprint(order, errs), "[getData/a getData/b getData/c setData/d] [<nil> <nil> <nil> <nil>]"; got != want {
			t.Errorf("%s, want %s", got, want)
		}

		start(0, get("/a"))
		start(1, get("/b"))
		start(2, get("/c"))
		server.Disconnect()
		calls.Wait()
		if errs[0] != zk.ErrConnectionClosed || errs[1] != zk.ErrConnectionClosed || errs[2] != nil {
			t.Errorf("after the connection was lost: %v", errs[:3])
		}
	})
}
