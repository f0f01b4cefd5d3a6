package fs

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// Contenders with more data than a reply may have are listed all the same, and what is shown of
// them is bounded.
func TestQueueOfLargeContenders(t *testing.T) {
	const contenders, size, most = 50, 1<<20 - 1000, 40 << 20
	w := newWorld(t, Options{})
	conn, _, err := zk.Connect([]string{w.server.Addr()}, 40*time.Second, zk.WithSlog(slog.New(slog.DiscardHandler)), zk.WithMaxBufferSize(most))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	dir := t.TempDir()
	f, err := Mount(conn, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Unmount() })
	a := newAgent(t, dir)

	w.create("/x.lock", "")
	note := string(bytes.Repeat([]byte("x"), size))
	for i := range contenders {
		w.create(fmt.Sprintf("/x.lock/lock-%010d", i), note)
	}
	session := conn.SessionID()
	list, err := readQueue(t.Context(), f.ensemble, "/x.lock")
	if err != nil {
		t.Fatal(err)
	}
	queue := string(queueText(list)) // more than the agent can say
	if n := strings.Count(queue, ` exclusive `); n != contenders {
		t.Errorf("%d contenders: %.200s", n, queue)
	}
	if n := strings.Count(queue, fmt.Sprintf("(%d bytes)", size)); n != contenders {
		t.Errorf("the length of %d is shown", n)
	}
	if len(queue) > contenders*(noteBytes+200) {
		t.Errorf("%d bytes are shown", len(queue))
	}
	if got := a.do("getxattr", "x.lock", "user.zk.lock"); !strings.HasPrefix(got, "ok queue=50 ") || len(got) > 2*noteBytes {
		t.Errorf("user.zk.lock is %.200s", got)
	}
	a.want("ok", "open", "1", "x.lock", "r")
	a.want("EAGAIN", "flock", "1", "ex+nb")
	a.want("ok w pid=0", "getlk", "1", "r")
	if conn.SessionID() != session || conn.State() != zk.StateHasSession {
		t.Error("the connection was lost")
	}
}
