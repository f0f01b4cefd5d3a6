package fs

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// spy collects what the mount asks the servers for.
type spy struct {
	mu   sync.Mutex // guards seen
	seen []string
}

// spyOn begins to collect the requests of the mount's session.
func (w *world) spyOn() *spy {
	s := &spy{}
	mine := w.fs.ensemble.SessionID()
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.SessionID == mine && r.Op != "ping" {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.seen = append(s.seen, r.Op+" "+r.Path)
		}
		return zktest.Fault{}
	})
	w.t.Cleanup(func() { w.server.OnRequest(nil) })
	return s
}

// take returns what was collected since the last call, only changes and syncs if so wished.
func (s *spy) take(changes bool) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.seen
	s.seen = nil
	return slices.DeleteFunc(all, func(request string) bool {
		op, _, _ := strings.Cut(request, " ")
		return changes && !slices.Contains([]string{"create", "create2", "createContainer", "delete", "setData", "multi", "setACL", "sync"}, op)
	})
}

// What the operations are in ZooKeeper: changes and syncs, in order.
func TestOperationsInZooKeeper(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "data")
	w.create("/g", "data")
	w.create("/d", "own")
	w.create("/d/c", "child")
	w.create("/plain", "")
	s := w.spyOn()
	for _, test := range []struct {
		calls, want string
		answer      string // "ok" if it is empty
	}{
		{calls: "mkdir new", want: "create2 /new"},
		{calls: "rmdir new", want: "delete /new"},
		{calls: "put new x", want: "create2 /new"},
		{calls: "put new y", want: "setData /new"},
		{calls: "append new z", want: "setData /new"},
		{calls: "unlink new", want: "delete /new"},
		{calls: "open 1 new w+creat+excl", want: "multi /new"},
		{calls: "write 1 x", want: ""},
		{calls: "close 1", want: "setData /new"},
		{calls: "open 1 empty w+creat", want: ""},
		{calls: "touch empty", want: "multi /empty"},
		{calls: "rename new newer", want: "multi /newer"},
		{calls: "rename newer f", want: "multi /f"},
		{calls: "rename2 f g exchange", want: "multi /f"},
		{calls: "rename d e", want: "multi /e"},
		{calls: "rename e d", want: "multi /d"},
		{calls: "truncate f 2", want: "setData /f"},
		{calls: "truncate f 2", want: ""},
		{calls: "touch f", want: "setData /f"},
		{calls: "touch d", want: ""},
		{calls: "settimes f 1000000000", want: ""},
		{calls: "chmod f", want: ""},
		{calls: "put plain/.data x", want: "multi /plain/.zkfs-directory"},
		{calls: "put plain/.data y", want: "setData /plain"},
		{calls: "unlink plain/.data", want: "setData /plain"},
		{calls: "setxattr f user.zk.acl world:anyone:cdrwa", want: "setACL /f"},
		{calls: "setxattr f user.zk.type ephemeral", want: "multi /f"},
		{calls: "setxattr f user.zk.type ephemeral", want: ""},
		{calls: "setxattr f user.zk.type file", want: "multi /f"},
		{calls: "setxattr f user.zk.type file", want: ""},
		{calls: "setxattr g user.zk.type directory", want: "multi /g/.zkfs-directory"},
		{calls: "open 2 f r", want: ""},
		{calls: "fsync 2", want: "sync /f"},
		{calls: "open 3 d r", want: ""},
		{calls: "fsync 3", want: "sync /d"},
		{calls: "symlink f l", want: "", answer: "EPERM"},
		{calls: "link f l", want: "", answer: "EPERM"},
		{calls: "mkfifo p", want: "", answer: "EPERM"},
		{calls: "mkdir x.lock", want: "multi /x.lock"},
		{calls: "rmdir x.lock", want: "delete /x.lock"},
		{calls: "put f~ x", want: ""},
		{calls: "cat f~", want: "", answer: `ok "x"`},
	} {
		answer := test.answer
		if answer == "" {
			answer = "ok"
		}
		s.take(false)
		w.want(answer, strings.Fields(test.calls)...)
		if got := strings.Join(s.take(true), ", "); got != test.want {
			t.Errorf("%s: %q, want %q", test.calls, got, test.want)
		}
	}
	if data, st, err := w.other.Get("/d"); err != nil || string(data) != "own" || st.NumChildren != 1 {
		t.Errorf("%q, %v, %v", data, st, err)
	}
}

// What nobody is asked for, and once a mount has looked, nothing but what the kernel does not remember reaches the mount.
func TestWhatAsksNobody(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/d", "")
	w.create("/d/f", "data")
	w.want("ok f", "ls", "d")
	w.want(`ok "data"`, "cat", "d/f")
	s := w.spyOn()
	for _, call := range []string{"stat d/f", "cat d/f", "ls d", "stat d/nosuch", "stat d/nosuch2", "access d/f r", "access d/f w", "statfs .", "statfs d", "getxattr d/f security.selinux",
		"getxattr d/f system.posix_acl_access", "setxattr d/f security.x 1", "listxattr d/f", "mkdir a\tb", "getxattr d/f user.other"} {
		w.do(strings.Split(call, " ")...)
		if seen := s.take(false); len(seen) > 0 {
			t.Errorf("%q asks for %q", call, seen)
		}
	}
	before := w.fs.Stats().Operations
	for range 10 {
		w.want("ok file 0644 size=4 nlink=1", "stat", "d/f")
		w.want("ENOENT", "stat", "d/nosuch")
		w.want("ok", "access", "d/f", "r")
	}
	after := w.fs.Stats().Operations
	for _, op := range []string{"LOOKUP", "GETATTR", "STATX"} {
		if n := after[op].Count - before[op].Count; n > 2 { // after a read the kernel asks for the time of it once
			t.Errorf("the kernel asks %d times for %s", n, op)
		}
	}
}

// A directory is listed with few requests: many znodes at once, a small first batch, and one more request for each that may not be read.
func TestListingAsksForMany(t *testing.T) {
	const readable, secret = 300, 700
	w := newWorld(t, Options{})
	w.create("/d", "")
	for i := range readable {
		w.create(fmt.Sprintf("/d/%04d", i*3), "x")
	}
	for i := range secret {
		w.closed(fmt.Sprintf("/d/s%04d", i), "x", zk.DigestACL(zk.PermAll, "ann", "secret"))
	}
	s := w.spyOn()
	if got := len(strings.Fields(w.do("ls", "d"))); got != 1+readable+secret {
		t.Errorf("%d names", got)
	}
	count := map[string]int{}
	for _, request := range s.take(false) {
		op, path, _ := strings.Cut(request, " ")
		if strings.HasPrefix(path, "/d/") {
			count[op]++
		}
	}
	if count["multiRead"] > 9 || count["exists"] != secret || count["getData"] != 0 {
		t.Errorf("%v", count)
	}
}

// A delete is one of the version that was seen, and takes no children with it. When that is another one the answer is ESTALE, which makes
// the kernel look again and ask once more: what others write at the last moment is not lost by a rename, nor by rmdir.
func TestDeleteOfTheVersionSeen(t *testing.T) {
	for _, test := range []struct {
		call, change, want string
		left               map[string]string // what is there afterwards
	}{
		{"unlink f", "set", "ok", nil},
		{"unlink f", "child", "ENOTEMPTY", map[string]string{"/f": "data", "/f/child": "theirs"}},
		{"rmdir f", "set", "ENOTDIR", map[string]string{"/f": "theirs"}},
		{"rmdir f", "child", "ENOTEMPTY", map[string]string{"/f": "", "/f/child": "theirs"}},
		{"rename f g", "set", "ok", map[string]string{"/g": "theirs"}},
	} {
		t.Run(test.call+" "+test.change, func(t *testing.T) {
			w := newWorld(t, Options{})
			if strings.HasPrefix(test.call, "rmdir") {
				w.want("ok", "mkdir", "f")
				w.want("ok", "ls", "f")
			} else {
				w.create("/f", "data")
				w.want(`ok "data"`, "cat", "f")
			}
			mine := w.fs.ensemble.SessionID()
			var requests []string
			w.server.OnRequest(func(r zktest.Request) zktest.Fault {
				if r.SessionID == mine && (r.Op == "delete" || r.Op == "multi") {
					if requests = append(requests, r.Op); len(requests) > 1 {
						return zktest.Fault{}
					}
					if test.change == "set" {
						w.set("/f", "theirs")
					} else {
						w.create("/f/child", "theirs")
					}
				}
				return zktest.Fault{}
			})
			w.want(test.want, strings.Fields(test.call)...)
			w.server.OnRequest(nil)
			if again := test.want == "ok"; len(requests) != 1 && !again || len(requests) != 2 && again {
				t.Errorf("asked for %v", requests)
			}
			for path, data := range test.left {
				if got, _, err := w.other.Get(path); err != nil || string(got) != data {
					t.Errorf("%s: %q, %v", path, got, err)
				}
			}
		})
	}
}

// A directory whose entries the kernel does not trust any more is listed anew, so that it need not ask for each of them.
func TestListingIsReadAnewInTime(t *testing.T) {
	w := newWorld(t, Options{})
	for i := range 40 {
		w.create(fmt.Sprint("/f", i), "x")
	}
	listings := func() int64 {
		w.do("ls", ".")
		return w.fs.Stats().Operations["READDIRPLUS"].Count
	}
	var first int64
	w.until(func() (int, int) { // the events of the creates are all told to the kernel
		before := listings()
		first = listings()
		return int(first - before), 0
	}, "READDIRPLUS for a listing that the kernel has")
	w.fs.root.mu.Lock()
	w.fs.root.listedUntil = 1 // long ago
	w.fs.root.mu.Unlock()
	if again := listings(); again == first {
		t.Errorf("%d READDIRPLUS as before", again)
	}
}
