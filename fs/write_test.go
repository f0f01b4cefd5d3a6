package fs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// echo v > f: one version, one change for watchers, whether the file is there or not.
func TestOneWriteIsOneVersion(t *testing.T) {
	w := newWorld(t, Options{})
	seen := w.watch("/")
	w.want("ok", "put", "f", "one\n")
	w.holds("/f", "one\n", 0)
	w.want("ok", "put", "f", "two\n")
	w.holds("/f", "two\n", 1)
	w.want(`ok "two\n"`, "cat", "f")
	seen.are(w, "Created /f", "DataChanged /f")
}

// A shell moves the descriptor, which closes the first, before it writes.
func TestShellRedirection(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "old")
	seen := w.watch("/")
	w.want("ok", "open", "1", "f", "w+creat+trunc")
	w.want("ok", "dupclose", "1")
	w.want("ok", "write", "1", "line 1\n")
	w.want("ok", "write", "1", "line 2\n")
	w.want("ok", "close", "1")
	w.holds("/f", "line 1\nline 2\n", 1)
	seen.are(w, "DataChanged /f")
}

// : > f is committed when its opener closes it for the second time.
func TestTruncationAlone(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "old")
	w.want("ok", "open", "1", "f", "w+creat+trunc")
	w.want("ok", "dupclose", "1")
	w.holds("/f", "old", 0)
	w.want("ok", "close", "1")
	w.holds("/f", "", 1)
	w.want("ok", "open", "1", "empty", "w+creat+trunc")
	w.want("ok", "dupclose", "1")
	w.missing("/empty")
	w.want("ok file 0644 size=0 nlink=1", "stat", "empty")
	w.want("ok empty f zookeeper", "ls", ".")
	w.want("ok", "close", "1")
	w.holds("/empty", "", 1)
}

func TestExclusiveCreateIsImmediate(t *testing.T) {
	w := newWorld(t, Options{})
	seen := w.watch("/")
	w.want("ok", "open", "1", "f", "w+creat+excl")
	w.holds("/f", "", 1)
	w.want("EEXIST", "open", "2", "f", "w+creat+excl")
	w.want("ok", "write", "1", "data")
	w.want("ok", "close", "1")
	w.holds("/f", "data", 2)
	seen.are(w, "Created /f", "DataChanged /f", "DataChanged /f")
}

func TestAppend(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/log", "a\n")
	w.want("ok", "open", "1", "log", "w+append")
	w.set("/log", "a\nb\n")
	w.want("ok", "write", "1", "c\n")
	w.set("/log", "a\nb\nx\n")
	w.want("ok", "close", "1")
	w.holds("/log", "a\nb\nx\nc\n", 3)
	w.eventually(`ok "a\nb\nx\nc\n"`, "cat", "log")
}

// Appends of several processes on several mounts: no line is lost, none is there twice.
func TestAppendsFromEverywhere(t *testing.T) {
	const lines = 40
	w := newWorld(t, Options{})
	w.create("/log", "")
	w.set("/log", "start\n")
	agents := []*agent{w.agent, newAgent(t, w.dir), w.second(), w.second()}
	for i := range lines {
		for n, a := range agents {
			a.start("open", "1", "log", "w+append")
			a.start("write", "1", fmt.Sprintf("%d from %d\n", i, n))
			a.start("close", "1")
		}
	}
	for _, a := range agents {
		for range 3 * lines {
			if got := a.answer(); got != "ok" {
				t.Error(got)
			}
		}
	}
	data, _, err := w.other.Get("/log")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for line := range strings.Lines(string(data)) {
		seen[line]++
	}
	if len(seen) != 1+lines*len(agents) || strings.Count(string(data), "\n") != len(seen) {
		t.Errorf("%d lines, %d different, want %d", strings.Count(string(data), "\n"), len(seen), 1+lines*len(agents))
	}
}

// What was read and written back must not undo what somebody else wrote meanwhile.
func TestReadModifyWriteConflict(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "old")
	w.want("ok", "open", "1", "f", "rw")
	w.want(`ok "old"`, "read", "1")
	w.set("/f", "theirs")
	w.want("ok", "seek", "1", "0")
	w.want("ok", "write", "1", "mine")
	w.want("ESTALE", "close", "1")
	w.holds("/f", "theirs", 1)
	w.want(`ok "theirs"`, "cat", "f")
}

func TestOverwriteWins(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "old")
	w.want("ok", "open", "1", "f", "w+trunc")
	w.want("ok", "write", "1", "mine")
	w.set("/f", "theirs")
	w.want("ok", "close", "1")
	w.holds("/f", "mine", 2)
}

func TestConflictFail(t *testing.T) {
	w := newWorld(t, Options{Conflict: ConflictFail})
	w.create("/f", "old")
	w.want("ok", "open", "1", "f", "w+trunc")
	w.want("ok", "write", "1", "mine")
	w.set("/f", "theirs")
	w.want("ESTALE", "close", "1")
	w.holds("/f", "theirs", 1)
}

func TestFileDeletedWhileOpen(t *testing.T) {
	w := newWorld(t, Options{})
	for _, path := range []string{"/over", "/more", "/part"} {
		w.create(path, "old")
	}
	w.want("ok", "open", "over", "over", "w+trunc")
	w.want("ok", "open", "more", "more", "w+append")
	w.want("ok", "open", "part", "part", "rw")
	for _, id := range []string{"over", "more", "part"} {
		w.want("ok", "write", id, "new")
		w.remove("/" + id)
	}
	w.want("ok", "close", "over")
	w.want("ok", "close", "more")
	w.want("ESTALE", "close", "part")
	w.holds("/over", "new", 0)
	w.holds("/more", "new", 0)
	w.missing("/part")
}

func TestFileCreatedByTwo(t *testing.T) {
	w := newWorld(t, Options{})
	for id, flags := range map[string]string{"over": "w+creat+trunc", "more": "w+creat+append", "part": "w+creat"} {
		w.want("ok", "open", id, id, flags)
		w.want("ok", "write", id, "mine")
		w.create("/"+id, "theirs ")
	}
	w.want("ok", "close", "over")
	w.want("ok", "close", "more")
	w.want("ESTALE", "close", "part")
	w.holds("/over", "mine", 1)
	w.holds("/more", "theirs mine", 1)
	w.holds("/part", "theirs ", 0)
}

// Everybody who has the file open sees what was written, as the pages of a file on a disk.
func TestReadYourWrites(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "open", "1", "f", "rw+creat")
	w.want("ok", "write", "1", "hello")
	w.want(`ok "hello"`, "cat", "f")
	w.want("ok file 0644 size=5 nlink=1", "stat", "f")
	w.missing("/f")
	w.want("ok", "fsync", "1")
	w.holds("/f", "hello", 0)
	w.want("ok", "ftruncate", "1", "2")
	w.want(`ok "he"`, "pread", "1", "0", "10")
	w.want("ok", "close", "1")
	w.holds("/f", "he", 1)
}

func TestTruncate(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "hello")
	w.want("ok", "truncate", "f", "2")
	w.holds("/f", "he", 1)
	w.want("ok", "truncate", "f", "4")
	w.holds("/f", "he\x00\x00", 2)
	w.want("ok", "truncate", "f", "4")
	w.holds("/f", "he\x00\x00", 2)
	w.want("ok", "truncate", "f", "0")
	w.holds("/f", "", 3)
	w.want("EFBIG", "truncate", "f", "2000000")
}

func TestTooLargeIsAnErrorOfWrite(t *testing.T) {
	w := newWorld(t, Options{MaxData: 1000})
	w.want("ok", "open", "1", "f", "w+creat")
	w.want("ok", "fill", "1", "1000")
	w.want("EFBIG", "write", "1", "x")
	w.want("EFBIG", "close", "1")
	w.missing("/f")
	w.want("ENOENT", "stat", "f")

	w.create("/log", "a\n")
	w.want("ok", "open", "1", "log", "w+append")
	w.want("EFBIG", "fill", "1", "999")
	w.want("ok", "write", "1", "b\n")
	w.want("ok", "close", "1")
	w.holds("/log", "a\nb\n", 1)
}

// A part of what a program wanted to write is not committed: nobody should take it for the whole.
func TestRefusedWrite(t *testing.T) {
	w := newWorld(t, Options{MaxData: 1000})
	w.create("/f", "old")
	seen := w.watch("/")
	begin := func() {
		t.Helper()
		w.want("ok", "open", "1", "f", "w+trunc")
		w.want("ok", "fill", "1", "999")
		w.want("EFBIG", "write", "1", "xy")
	}
	begin()
	w.want("EFBIG", "fsync", "1")
	w.want("ok", "close", "1")
	begin()
	w.want("ok", "seek", "1", "0")
	w.want("ok", "write", "1", "x")
	w.want("EFBIG", "close", "1")
	w.want(`ok "old"`, "cat", "f")
	w.holds("/f", "old", 0)
	seen.are(w)

	// A program that makes good for it is served.
	begin()
	w.want("ok", "write", "1", "x")
	w.want("ok", "close", "1")
	w.holds("/f", strings.Repeat("\x00", 999)+"x", 1)
	begin()
	w.want("ok", "ftruncate", "1", "2")
	w.want("ok", "close", "1")
	w.holds("/f", "\x00\x00", 2)
	begin()
	w.want("ok", "put", "f", "new")
	w.want("ok", "close", "1")
	w.holds("/f", "new", 3)
}

func TestNoPermissionIsAnErrorOfOpen(t *testing.T) {
	w := newWorld(t, Options{})
	if _, err := w.other.Create("/ro", []byte("x"), 0, zk.WorldACL(zk.PermRead)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.other.Create("/closed", nil, 0, zk.WorldACL(zk.PermRead)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.other.Create("/secret", []byte("x"), 0, zk.DigestACL(zk.PermAll, "u", "p")); err != nil {
		t.Fatal(err)
	}
	w.want("EACCES", "open", "1", "ro", "w+trunc")
	w.want("EACCES", "open", "1", "closed/x", "w+creat")
	w.want("EACCES", "mkdir", "closed/x")
	w.want("EACCES", "open", "1", "secret", "r")
	w.want("ENOENT", "open", "1", "nosuch/x", "w+creat")
	w.want(`ok "x"`, "cat", "ro")
}

// A reply that is lost is looked for, and the write neither lost nor made twice.
func TestLostReplies(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault zktest.Fault
	}{{"applied", zktest.Fault{Lose: true}}, {"not applied", zktest.Fault{Close: true}}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.create("/f", "old")
			once := func(op string) {
				done := false
				w.server.OnRequest(func(r zktest.Request) zktest.Fault {
					if r.Op != op || done {
						return zktest.Fault{}
					}
					done = true
					return c.fault
				})
			}
			once("setData")
			w.want("ok", "put", "f", "new")
			w.server.OnRequest(nil)
			w.holds("/f", "new", 1)
			once("create2")
			w.want("ok", "put", "g", "data")
			w.server.OnRequest(nil)
			w.holds("/g", "data", 0)
			once("delete")
			w.want("ok", "unlink", "g")
			w.server.OnRequest(nil)
			w.missing("/g")
		})
	}
}

// What cannot be proven is an error: another host may have appended the same.
func TestLostAppendIsAnError(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/log", "a\n")
	done := false
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.Op != "setData" || done {
			return zktest.Fault{}
		}
		done = true
		return zktest.Fault{Lose: true}
	})
	w.want("ok", "open", "1", "log", "w+append")
	w.want("ok", "write", "1", "b\n")
	w.want("EIO", "close", "1")
	w.server.OnRequest(nil)
	w.holds("/log", "a\nb\n", 1)
}

// Two who append on one mount share what is committed: if that is lost, both are told.
func TestLostAppendIsAnErrorForAll(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/log", "a\n")
	w.want("ok", "open", "1", "log", "w+append")
	w.want("ok", "open", "2", "log", "w+append")
	w.want("ok", "write", "1", "b\n")
	w.want("ok", "write", "2", "c\n")
	w.server.OnRequest(func(r zktest.Request) zktest.Fault { return zktest.Fault{Lose: r.Op == "setData"} })
	w.want("EIO", "close", "1")
	w.server.OnRequest(nil)
	w.want("EIO", "close", "2")
}

func TestCommitWrite(t *testing.T) {
	w := newWorld(t, Options{Commit: CommitWrite})
	w.want("ok", "open", "1", "f", "w+creat")
	w.want("ok", "write", "1", "a")
	w.holds("/f", "a", 0)
	w.want("ok", "write", "1", "b")
	w.holds("/f", "ab", 1)
	w.want("ok", "close", "1")
	w.holds("/f", "ab", 1)
}

func TestTouch(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "open", "1", "f", "w+creat")
	w.want("ok", "touch", "f")
	w.holds("/f", "", 1)
	w.want("ok", "close", "1")
	w.holds("/f", "", 1)
	w.create("/g", "data")
	w.want("ok", "touch", "g")
	w.holds("/g", "data", 1)
	w.want("ok", "mkdir", "d")
	w.want("ok", "touch", "d")
	w.want("ok", "chmod", "g")
	w.holds("/g", "data", 1)
}

// A new file gets its ACL before its data is committed, as by cp -a, and may be one that nobody writes: the data comes all the same,
// and is never there under another ACL.
func TestNewFileWithAnACLThatForbidsWriting(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "open", "1", "f", "w+creat+excl")
	w.want("ok", "write", "1", "data")
	w.want("ok", "setxattr", "f", "user.zk.acl", "world:anyone:ra")
	w.holds("/f", "", 1)
	w.want("ok", "close", "1")
	w.holds("/f", "data", 0)
	w.want("ok world:anyone:ra", "getxattr", "f", "user.zk.acl")
	w.want(`ok "data"`, "cat", "f")
	w.want("EACCES", "open", "1", "f", "w")

	// tar makes its files by mknod(2).
	w.want("ok", "mknod", "g")
	w.want("ok", "setxattr", "g", "user.zk.acl", "world:anyone:ra")
	w.want("ok", "setxattr", "g", "user.zk.stat", w.do("getxattr", "g", "user.zk.stat")[3:])
	w.want("ok", "open", "1", "g", "w+creat")
	w.want("ok", "write", "1", "data")
	w.want("ok", "close", "1")
	w.holds("/g", "data", 0)
	w.create("/d", "")
	w.create("/d/x", "")
	w.want("ok", "mknod", "d/.data")
	w.want("ok", "setxattr", "d/.data", "user.zk.acl", "world:anyone:cdrwa")
	w.want("ok", "open", "1", "d/.data", "w+creat")
	w.want("ok", "write", "1", "data")
	w.want("ok", "close", "1")
	w.holds("/d", "data", 1)

	// One that nobody opens may be deleted by others.
	w.want("ok", "mknod", "h")
	w.remove("/h")
	w.eventually("ENOENT", "stat", "h")
	w.create("/h", "another")
	w.eventually(`ok "another"`, "cat", "h")

	// An empty one stays as it is.
	w.want("ok", "open", "1", "empty", "w+creat+excl")
	w.want("ok", "setxattr", "empty", "user.zk.acl", "world:anyone:ra")
	w.want("ok", "close", "1")
	w.holds("/empty", "", 1)

	// In one that is there already, what was written comes first.
	w.create("/old", "old")
	w.eventually("ok file 0644 size=3 nlink=1", "stat", "old")
	w.want("ok", "open", "1", "old", "w+trunc")
	w.want("ok", "write", "1", "new")
	w.want("ok", "setxattr", "old", "user.zk.acl", "world:anyone:ra")
	w.holds("/old", "new", 1)
	w.want("ok", "close", "1")
}

// What needs the znode of a pending file creates it.
func TestPendingFileIsForced(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "open", "1", "f", "w+creat")
	w.want("ok", "write", "1", "data")
	w.missing("/f")
	w.want("ok", "setxattr", "f", "user.zk.acl", "world:anyone:cdrwa")
	w.holds("/f", "data", 0)
	w.want("ok", "close", "1")
	w.want("ok", "open", "2", "g", "w+creat")
	w.missing("/g")
	w.want("ok", "flock", "2", "ex")
	w.holds("/g", "", 1)
	w.want("ok", "close", "2")
}

// truncate(2) of a file that somebody writes is a part of what is written.
func TestTruncateWhileWriting(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "old")
	w.want("ok", "open", "1", "f", "rw")
	w.want("ok", "write", "1", "something")
	w.want("ok", "truncate", "f", "4")
	w.holds("/f", "old", 0)
	w.want(`ok "some"`, "cat", "f")
	w.want("ok", "close", "1")
	w.holds("/f", "some", 1)
}

// O_SYNC sends each write.
func TestSynchronousFile(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "")
	w.set("/f", "old")
	w.want("ok", "open", "1", "f", "w+trunc+sync")
	w.want("ok", "write", "1", "a")
	w.holds("/f", "a", 2)
	w.want("ok", "write", "1", "b")
	w.holds("/f", "ab", 3)
	w.want("ok", "close", "1")
	w.holds("/f", "ab", 3)
}

// What the kernel sends at the end of a file is waited for by who opens it next.
func TestOpenWaitsForTheEnd(t *testing.T) {
	w := newWorld(t, Options{})
	for range 50 {
		w.want("ok", "put", "f", "data")
		w.want("ok", "open", "1", "f", "w+trunc")
		w.want("ok", "close", "1")
		w.want(`ok ""`, "cat", "f")
		w.want("ok", "open", "1", "f", "rw")
		w.want("ok", "write", "1", "again")
		w.want("ok", "close", "1")
		w.want(`ok "again"`, "cat", "f")
	}
}

// What is written into a file that was just created is seen by who reads it meanwhile, as often as it changes: the writer passes the kernel's
// pages by, the reader does not.
func TestCreatedFileIsReadWhileWritten(t *testing.T) {
	for flags, version := range map[string]int32{"w+creat": 1, "w+creat+excl": 3, "w+creat+append": 1, "w+creat+trunc": 1} {
		t.Run(flags, func(t *testing.T) {
			w := newWorld(t, Options{})
			reader := newAgent(t, w.dir)
			w.want("ok", "open", "1", "f", flags)
			reader.want("ok", "open", "1", "f", "r")
			written := ""
			for i := range 20 {
				line := strings.Repeat(string(rune('a'+i)), 1+i*97)
				w.want("ok", "write", "1", line)
				written += line
				if i == 10 {
					w.want("ok", "fsync", "1")
				}
				reader.want(fmt.Sprintf("ok %q", written), "cat", "f")
				reader.want(fmt.Sprintf("ok %q", written), "pread", "1", "0", "100000")
				reader.want(fmt.Sprintf("ok file 0644 size=%d nlink=1", len(written)), "stat", "f")
			}
			w.want("ok", "close", "1")
			reader.want(fmt.Sprintf("ok %q", written), "cat", "f")
			w.holds("/f", written, version)
		})
	}
}
