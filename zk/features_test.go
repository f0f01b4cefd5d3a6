package zk_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/internal/wire"
)

// misreads returns the lines of the log about replies that were not understood.
func (l *receivedLog) misreads() (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, "not understood") {
			found = append(found, line)
		}
	}
	return found
}

// A reply to a multiRead that is not understood, be it the first one or a later one, fails no Get
// and no connection. It is logged once, with its bytes, and there is no other multiRead.
func TestMultiReadThatIsNotUnderstood(t *testing.T) {
	data := (&wire.GetDataResponse{Data: []byte("x")}).Append(nil)
	good := (&wire.MultiResponse{Results: []wire.MultiResult{
		{Op: wire.OpError, Record: &wire.ErrorResponse{Err: wire.CodeNoNode}},
		{Op: wire.OpError, Record: &wire.ErrorResponse{Err: wire.CodeNoNode}},
		{Op: wire.OpGetData, Record: &wire.GetDataResponse{}},
	}}).Append(nil)
	for _, understood := range []int{0, 1} {
		t.Run(fmt.Sprint(understood), func(t *testing.T) {
			var mu sync.Mutex
			batches := 0
			dialer := answerServer(func(_ int, h wire.RequestHeader) []byte {
				switch h.Op {
				case wire.OpGetData:
					return reply(h.Xid, data)
				case wire.OpExists:
					return reply(h.Xid, new(wire.Stat).Append(nil))
				case wire.OpMultiRead:
					mu.Lock()
					defer mu.Unlock()
					if batches++; batches <= understood {
						return reply(h.Xid, good)
					}
					return reply(h.Xid, []byte("\x00\x00\x00\x63garbage"))
				}
				return reply(h.Xid, nil)
			})
			logged := &receivedLog{}
			c, _ := connectTo(t, dialer, zk.WithLogger(logged))
			for range 2 {
				if results, err := c.MultiRead(&zk.GetDataRequest{Path: "/a"}); err != nil && !strings.Contains(err.Error(), "malformed") ||
					err == nil && string(results[0].Data) != "x" {
					t.Fatalf("%+v, %v", results, err)
				}
				var all sync.WaitGroup
				for range 50 {
					all.Go(func() {
						if data, _, err := c.Get("/a"); err != nil || string(data) != "x" {
							t.Errorf("%q, %v", data, err)
						}
					})
				}
				all.Wait()
			}
			mu.Lock()
			defer mu.Unlock()
			lines := logged.misreads()
			if batches != understood+1 || c.Features()[zk.FeatureMultiRead] != zk.Lacking || c.State() != zk.StateHasSession {
				t.Errorf("%d batches, %v, %v", batches, c.Features(), c.State())
			}
			if len(lines) != 1 || !strings.Contains(lines[0], "multiRead") || !strings.Contains(lines[0], "0000006367617262616765") {
				t.Errorf("logged %q", lines)
			}
		})
	}
}

// Features print as JSON by their names.
func TestFeaturesAsJSON(t *testing.T) {
	text, err := json.Marshal(zk.Features{zk.FeatureCreate2: zk.Supported, zk.FeatureWhoAmI: zk.Lacking, zk.FeaturePzxid: zk.SupportUnknown})
	if want := `{"create2":"supported","pzxid":"unknown","whoAmI":"lacking"}`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}

// A client that has not connected knows nothing, and asks nothing.
func TestFeaturesOfNoServer(t *testing.T) {
	c, _ := connectTo(t, refuse)
	for f, s := range c.Features() {
		if s != zk.SupportUnknown {
			t.Errorf("%v is %v", f, s)
		}
	}
	_, err := c.WhoAmI()
	if !errors.Is(err, zk.ErrNoServer) {
		t.Errorf("error %v", err)
	}
}
