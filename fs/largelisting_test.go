package fs

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A directory whose batches are more than the client accepts is listed by smaller ones, on the same
// connection.
func TestListingOfLargeZnodesAmongSmallOnes(t *testing.T) {
	server := zktest.NewServer()
	t.Cleanup(server.Close)
	w := &world{t: t, server: server, dir: t.TempDir()}
	w.other = w.connect()
	lost := make(chan zk.Event, 1000)
	conn, _, err := zk.Connect([]string{server.Addr()}, 5*time.Second, zk.WithLogger(quiet{}), zk.WithMaxBufferSize(512<<10))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	conn.OnEvent(func(e zk.Event) {
		if e.State == zk.StateDisconnected {
			lost <- e
		}
	})
	large := bytes.Repeat([]byte("x"), 50<<10)
	w.create("/d", "")
	for i := range 200 {
		w.create(fmt.Sprintf("/d/a%03d", i), "small")
	}
	for i := range 80 {
		w.create(fmt.Sprintf("/d/b%03d", i), string(large))
	}
	w.create("/d/c", strings.Repeat("x", 600<<10)) // whose reply is too long by itself
	if w.fs, err = Mount(conn, w.dir, Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.fs.Unmount(); err != nil {
			t.Error(err)
		}
	})
	w.agent = newAgent(t, w.dir)
	if names := strings.Fields(w.do("ls", "d")); len(names) != 1+281 { // after the answer
		t.Errorf("%d names", len(names))
	}
	if got := w.do("cat", "d/b079"); !strings.Contains(got, string(large)) {
		t.Errorf("b079 has %d bytes", len(got))
	}
	if got := w.do("stat", "d/c"); !strings.Contains(got, fmt.Sprint(600<<10)) {
		t.Errorf("stat: %s", got)
	}
	w.want("EFBIG", "cat", "d/c")
	select {
	case e := <-lost:
		t.Errorf("the connection was lost: %v", e.Err)
	default:
	}
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
