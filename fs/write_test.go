package fs

import (
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
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
