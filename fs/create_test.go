package fs

import (
	"fmt"
	"strings"
	"testing"
)

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
