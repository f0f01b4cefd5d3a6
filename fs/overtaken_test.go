package fs

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zkfs/zkfs/zk/zktest"
)

// A rename answers what POSIX lets it answer, whatever another mount does to its target meanwhile.
func TestRenameWhileAnotherMountIsAtTheTarget(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		others  []string // what the other mount does to g, again and again
		before  string   // what is done before each rename
		call    string
		answers []string
	}{
		"creates and removes":             {[]string{"put g theirs", "unlink g"}, "put f mine", "rename f g", []string{"ok"}},
		"replaces":                        {[]string{"put h theirs", "rename h g"}, "put f mine", "rename f g", []string{"ok"}},
		"writes":                          {[]string{"put g theirs"}, "put f mine", "rename f g", []string{"ok"}},
		"creates, of a scratch file":      {[]string{"put g theirs", "unlink g"}, "create f~ mine", "rename f~ g", []string{"ok"}},
		"does not replace":                {[]string{"put g theirs", "unlink g"}, "put f mine", "rename2 f g noreplace", []string{"ok", "EEXIST"}},
		"exchange":                        {[]string{"put g theirs", "unlink g"}, "put f mine", "rename2 f g exchange", []string{"ok", "ENOENT"}},
		"creates and removes a directory": {[]string{"mkdir g", "rmdir g", "unlink g"}, "put f mine", "rename f g", []string{"ok", "EISDIR"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			other := w.second()
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() { // ends with stop
				defer close(stopped)
				for {
					for _, call := range c.others {
						select {
						case <-stop:
							return
						default:
							other.do(words(call)...)
						}
					}
				}
			}()
			seen := map[string]int{}
			for range 100 { // without a second look one rename in five to ten fails
				w.want("ok", words(c.before)...)
				got := w.do(words(c.call)...)
				seen[got]++
				if !slices.Contains(c.answers, got) {
					t.Errorf("%s: %s", c.call, got)
				}
				w.do("unlink", strings.Fields(c.call)[1])
			}
			close(stop)
			<-stopped
			t.Log(seen)
		})
	}
}

// A directory in which another client creates faster than it can be renamed is busy, and stays what
// it is.
func TestRenameOfADirectoryInUse(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/d", "")
	w.create("/d/first", "x")
	var n atomic.Int32
	meddle := func(r zktest.Request) zktest.Fault {
		if r.Op == "multi" && r.SessionID == w.fs.ensemble.SessionID() {
			w.create(fmt.Sprintf("/d/%d", n.Add(1)), "x")
		}
		return zktest.Fault{}
	}
	w.server.OnRequest(meddle)
	w.want("EBUSY", "rename", "d", "e")
	if n := n.Load(); n < 2 {
		t.Errorf("it was tried %d times", n)
	}
	w.missing("/e")
	var once atomic.Bool
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.Op != "multi" || once.Swap(true) {
			return zktest.Fault{}
		}
		return meddle(r)
	})
	w.want("ok", "rename", "d", "e")
	w.missing("/d")
	w.holds("/e/first", "x", 0)
}

// What another client removes while it is renamed does not exist.
func TestRenameOfWhatVanishes(t *testing.T) {
	w := newWorld(t, Options{})
	for _, onto := range []bool{false, true} {
		w.create("/f", "mine")
		if onto {
			w.create("/g", "old")
		}
		w.eventually(`ok "mine"`, "cat", "f") // in the second turn it was known to be missing
		var done atomic.Bool
		w.server.OnRequest(func(r zktest.Request) zktest.Fault {
			if r.Op == "multi" && r.SessionID == w.fs.ensemble.SessionID() && !done.Swap(true) {
				w.remove("/f")
			}
			return zktest.Fault{}
		})
		w.want("ENOENT", "rename", "f", "g")
		w.server.OnRequest(nil)
		if onto {
			w.holds("/g", "old", 0)
		} else {
			w.missing("/g")
		}
	}
	// Nor does a directory that is removed from around the new name.
	w.create("/d", "")
	w.create("/f", "mine")
	w.eventually("ok", "ls", "d")
	w.eventually(`ok "mine"`, "cat", "f")
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.Op == "multi" && r.SessionID == w.fs.ensemble.SessionID() {
			w.other.Delete("/d", -1)
		}
		return zktest.Fault{}
	})
	w.want("ENOENT", "rename", "f", "d/f")
	w.server.OnRequest(nil)
	w.holds("/f", "mine", 0)
}
