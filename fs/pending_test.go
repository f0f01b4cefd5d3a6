package fs

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A name is pending exactly as long as its draft: whatever a commit of it fails with, nothing is
// left that is neither a znode nor to become one, and the failure is in the log, counted and in
// /.status, though close(2) told it.
func TestFailedCommitLeavesNoGhost(t *testing.T) {
	kinds := map[string]struct {
		file  string // what is written
		znode string // whose data that is
	}{
		"file":                {"d/f", "/d/f"},
		"data of a directory": {"d/.data", "/d"},
		"lock file":           {"d/f.lock", "/d/f.lock"},
	}
	// What goes wrong at the servers when the commit's request comes; once.
	fails := map[string]struct {
		answer string
		fault  zktest.Fault
		before func(w *world, path string)
	}{
		"too large":              {answer: "EFBIG"},
		"no permission":          {answer: "EACCES", fault: zktest.Fault{Code: -102}},
		"an ACL without users":   {answer: "EINVAL", fault: zktest.Fault{Code: -114}},
		"a quota that is used":   {answer: "EDQUOT", fault: zktest.Fault{Code: -125}},
		"an error of the server": {answer: "EIO", fault: zktest.Fault{Code: -1}},
		"a conflict": {answer: "ESTALE", before: func(w *world, path string) {
			if ok, _, _ := w.other.Exists(path); ok {
				w.set(path, "theirs")
			} else {
				w.create(path, "theirs")
			}
		}},
		"a lost race, then no permission": {answer: "EACCES", before: func(w *world, path string) {
			if ok, _, _ := w.other.Exists(path); ok {
				w.set(path, "theirs")
				w.must(func() error { _, err := w.other.SetACL(path, zk.WorldACL(zk.PermRead|zk.PermAdmin), -1); return err })
			} else {
				w.must(func() error {
					_, err := w.other.Create(path, []byte("theirs"), 0, zk.WorldACL(zk.PermRead|zk.PermAdmin))
					return err
				})
			}
		}},
	}
	for kind, k := range kinds {
		for failing, c := range fails {
			for _, child := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/%v", kind, failing, child), func(t *testing.T) {
					var log logged
					w := newWorld(t, Options{MaxData: 1000, Logger: slog.New(slog.NewTextHandler(&log, nil))})
					w.want("ok", "mkdir", "d")
					if child {
						w.want("ok", "put", "d/child", "x")
					} else if c.before != nil {
						w.create("/d/x", "") // it stays a directory when another client gives it data
						w.remove("/d/x")
					}
					flags := "w+creat+trunc"
					if failing == "a conflict" {
						flags = "rw+creat"
					}
					w.want("ok", "open", "1", k.file, flags)
					w.want("ok", "write", "1", "mine")
					if failing == "too large" {
						w.want("EFBIG", "fill", "1", "2000")
					}
					var done atomic.Bool
					w.server.OnRequest(func(r zktest.Request) zktest.Fault {
						if r.SessionID != w.fs.ensemble.SessionID() ||
							r.Op != "create2" && r.Op != "setData" && r.Op != "multi" || done.Swap(true) {
							return zktest.Fault{}
						}
						if c.before != nil {
							w.server.OnRequest(nil)
							c.before(w, k.znode)
						}
						return c.fault
					})
					w.want(c.answer, "close", "1")
					w.server.OnRequest(nil)

					theirs := c.before != nil
					answer, listed := "ENOENT", []string{"ok"}
					if child {
						listed = append(listed, "child")
					}
					if theirs {
						answer, listed = `ok "theirs"`, append(listed, strings.TrimPrefix(k.file, "d/"))
					}
					slices.Sort(listed[1:])
					w.eventually(answer, "cat", k.file)
					w.eventually(strings.Join(listed, " "), "ls", "d")
					if failing == "a lost race, then no permission" {
						w.want("EACCES", "open", "2", k.file, "w")
						w.must(func() error { _, err := w.other.SetACL(k.znode, zk.WorldACL(zk.PermAll), -1); return err })
					}
					w.want("ok", "put", k.file, "again")
					w.want(`ok "again"`, "cat", k.file)
					w.want("ok", "unlink", k.file)
					w.want("ENOENT", "stat", k.file)
					if child {
						w.want("ok", "unlink", "d/child")
					}
					w.want("ok", "ls", "d")
					w.want("ok", "rmdir", "d")
					w.missing("/d")

					if n := w.fs.Stats().FailedCommits; n != 1 {
						t.Errorf("%d failed commits are counted", n)
					}
					if n := log.lines("level=WARN", "written data is lost", "path="+k.znode+" "); n != 1 {
						t.Errorf("%d lines in the log: %s", n, log.b.String())
					}
					if status := w.do("cat", ".status"); !strings.Contains(status, "failed commits   1") || !strings.Contains(status, " "+k.znode+": ") {
						t.Errorf("%s", status)
					}
				})
			}
		}
	}
}

// What a removal of a name removes is what is there, not what was to be there once.
func TestUnlinkAfterAFailedCommit(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "open", "1", "f", "w+creat+trunc")
	w.want("ok", "write", "1", "mine")
	if _, err := w.other.Create("/f", []byte("theirs"), 0, zk.WorldACL(zk.PermRead)); err != nil {
		t.Fatal(err)
	}
	w.want("EACCES", "close", "1")
	w.want("ok", "unlink", "f")
	w.missing("/f")
	w.eventually("ENOENT", "stat", "f")
}

// A file that was created and only read is one, like any other.
func TestFileCreatedToBeRead(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "open", "1", "f", "r+creat")
	created := w.watch("/")
	w.want("ok", "close", "1")
	w.want("ok", "open", "1", "f", "r")
	created.are(w, "Created /f", "DataChanged /f")
	w.holds("/f", "", 1)
	w.want("ok", "unlink", "f")
	w.eventually("ok zookeeper", "ls", ".")
}

// Nor does a lock file that could not become a lock leave its name.
func TestLockThatCannotBeMade(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "open", "1", "l.lock", "rw+creat")
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.Op == "createContainer" {
			return zktest.Fault{Code: -102}
		}
		return zktest.Fault{}
	})
	w.want("EACCES", "flock", "1", "ex+nb")
	w.server.OnRequest(nil)
	w.eventually("ok zookeeper", "ls", ".")
	w.want("ENOENT", "stat", "l.lock")
	w.do("close", "1")
	w.missing("/l.lock")
	w.want("ok", "open", "1", "l.lock", "rw+creat")
	w.want("ok", "flock", "1", "ex+nb")
}
