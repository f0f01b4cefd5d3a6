package zk

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// logger counts what is logged.
type logger struct{ lines atomic.Int64 }

func (l *logger) Printf(string, ...interface{}) { l.lines.Add(1) }

// A DefaultLogger that the program has put in its place is used, and a value of this package is one
// of package zk.
func TestPackageZKIsBelow(t *testing.T) {
	server := zktest.NewServer()
	defer server.Close()
	standard := DefaultLogger
	defer func() { DefaultLogger = standard }()
	var own logger
	DefaultLogger = &own
	c, _, err := Connect([]string{server.Addr()}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var same *zk.Conn = c
	if _, _, err := same.Get("/none"); !errors.Is(err, ErrNoNode) || !errors.Is(err, zk.ErrNoNode) {
		t.Errorf("error %v", err)
	}
	lost := make(chan struct{})
	c.OnEvent(func(e Event) {
		if e.State == StateDisconnected {
			close(lost)
		}
	})
	server.Disconnect()
	<-lost
	if own.lines.Load() == 0 {
		t.Error("nothing was logged")
	}
}
