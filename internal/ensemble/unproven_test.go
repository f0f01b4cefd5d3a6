package ensemble

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A server that is no ZooKeeper and takes no connection beside that of the session cannot be asked
// what it has. What is known of it is watched znode by znode then, and the log says so once.
func TestServerThatTakesNoProbe(t *testing.T) {
	t.Parallel()
	s := &servers{T: t, server: zktest.NewServer(zktest.WithServer("clickhouse-26.3"))}
	t.Cleanup(s.server.Close)
	s.other = s.connect(40 * time.Second)
	s.create("/f", "one")
	conn := s.connect(40 * time.Second)
	if _, _, err := conn.Exists("/"); err != nil {
		t.Fatal(err)
	}
	s.server.Refuse(true) // connections that stand go on
	var log logged
	s.e = New(conn, Options{
		Timeout: 10 * time.Second, MaxAge: time.Minute, CacheSize: 1 << 20,
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err := s.e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.e.Close)
	if n := s.e.Numbers(); n.Watch != WatchNode {
		t.Errorf("the mode is %v", n.Watch)
	}
	for _, text := range []string{"one", "two", "three"} {
		if _, err := s.other.Set("/f", []byte(text), -1); err != nil {
			t.Fatal(err)
		}
		for got := ""; got != text; { // the event of the change may come after the first question
			found, err := s.e.Get(t.Context(), "/f")
			if err != nil {
				t.Fatal(err)
			}
			got = string(found.Data)
		}
	}
	if _, err := conn.AddWatch("/", zk.AddWatchPersistent); err == nil {
		t.Error("a watch was added")
	}
	if got := strings.Count(log.String(), "takes no connection"); got != 1 {
		t.Errorf("%d lines in the log: %s", got, log.String())
	}
}

// logged is what was logged.
type logged struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
