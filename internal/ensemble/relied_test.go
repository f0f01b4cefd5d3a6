package ensemble

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk/zktest"
)

// A question sets no watch that another one is about to set. If that one ends without a watch, what
// the first has learned is not kept, whichever answer came first, and the kernel is told.
func TestWatchThatIsNotSetAfterAll(t *testing.T) {
	questions := map[string]func(e *Ensemble) error{
		"Know": func(e *Ensemble) error { _, err := e.Know(t.Context(), "/d"); return err },
		"Get":  func(e *Ensemble) error { _, err := e.Get(t.Context(), "/d"); return err },
		"List": func(e *Ensemble) error { _, err := e.List(t.Context(), "/d"); return err },
	}
	for _, server := range []string{"clickhouse-25.8", "clickhouse-latest", "raftkeeper", "3.8"} {
		for kind, other := range map[watchKind]string{dataWatch: "data", childWatch: "children"} {
			for name, ask := range questions {
				t.Run(server+"/"+other+"/"+name, func(t *testing.T) {
					t.Parallel()
					var dropped atomic.Int32
					o := Options{Watch: WatchNode, Tell: func(path string, what News) {
						if path == "/d" && what&Dropped != 0 {
							dropped.Add(1)
						}
					}}
					s := newServers(t, 40*time.Second, o, zktest.WithServer(server))
					s.create("/d", "")
					if !s.e.watch.arm("/d", kind) { // the other question begins
						t.Fatal("it is watched")
					}
					if err := ask(s.e); err != nil {
						t.Fatal(err)
					}
					s.e.watch.failed("/d", kind, context.Canceled) // the other question ends
					if s.e.Knows("/d") {
						t.Error("it is trusted without a watch")
					}
					if dropped.Load() != 1 {
						t.Errorf("the kernel is told %d times", dropped.Load())
					}
					s.create("/d/child", "")
					if _, err := s.other.Set("/d", []byte("new"), -1); err != nil {
						t.Fatal(err)
					}
					if found, err := s.e.Get(t.Context(), "/d"); err != nil || string(found.Data) != "new" {
						t.Errorf("%q, %v", found.Data, err)
					}
					if found, err := s.e.List(t.Context(), "/d"); err != nil || !found.Children.Has("child") {
						t.Errorf("%v, %v", found.Children, err)
					}
				})
			}
		}
	}
}
