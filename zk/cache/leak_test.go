package cache_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/cache"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A cache that has ended is not held by the client.
func TestEndedCacheIsFreed(t *testing.T) {
	server := zktest.NewServer()
	defer server.Close()
	c, _, err := zk.Connect([]string{server.Addr()}, time.Minute, zk.WithLogInfo(false))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	freed := make(chan struct{})
	func() {
		tr := cache.OfTree(t.Context(), c, "/")
		if err := tr.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		for ch := range tr.Changes(t.Context()) {
			if ch.Kind == cache.Loaded {
				break
			}
		}
		tr.Close()
		runtime.AddCleanup(tr, func(struct{}) { close(freed) }, struct{}{})
	}()
	for deadline := time.After(time.Minute); ; {
		runtime.GC()
		select {
		case <-freed:
			return
		case <-deadline:
			t.Fatal("something holds the cache")
		default:
			runtime.Gosched()
		}
	}
}
