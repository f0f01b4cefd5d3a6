package fs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/orders"
	"github.com/zkfs/zkfs/zk/zktest"
)

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

// Neither must a cut of what was read, after the handle has overwritten and committed.
func TestReadAndCutConflict(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "old")
	w.want("ok", "open", "1", "f", "rw+trunc")
	w.want("ok", "write", "1", "mine")
	w.want("ok", "fsync", "1")
	w.want(`ok "mine"`, "pread", "1", "0", "100")
	w.want("ok", "ftruncate", "1", "2")
	w.set("/f", "theirs")
	w.want("ESTALE", "close", "1")
	w.holds("/f", "theirs", 2)
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

// What one write(2) appends is one request of the kernel, wherever the file ends and whether the
// kernel holds its last page: no commit can come between two parts of it, and each is one version.
func TestHalfAWriteIsNoVersion(t *testing.T) {
	for _, flags := range []string{"w+append", "rw+append", "w+creat+append+direct"} {
		for _, cached := range []bool{false, true} {
			for _, before := range []int{0, 1, kernelPage - 4, kernelPage, 3*kernelPage - 1} {
				w := newWorld(t, Options{Commit: CommitWrite, write: maxWrite})
				w.create("/log", "")
				w.set("/log", strings.Repeat("x", before))
				w.eventually(fmt.Sprintf("ok file 0644 size=%d nlink=1", before), "stat", "log")
				if cached {
					w.do("cat", "log")
				}
				w.want("ok", "open", "1", "log", flags)
				end, c := before, w.count()
				for i, n := range []int{8, kernelPage, 1_000_000} {
					w.want("ok", "fill", "1", fmt.Sprint(n))
					end += n
					if got := c.mount(); got != "WRITE 1" {
						t.Errorf("%s of %d bytes behind %d asks the mount for %q", flags, n, end-n, got)
					}
					c.reset()
					_, st, err := w.other.Exists("/log")
					if err != nil || int(st.Version) != i+2 || int(st.DataLength) != end {
						t.Fatalf("%d bytes at version %d, %v, want %d", st.DataLength, st.Version, err, end)
					}
				}
				w.want(fmt.Sprintf("ok size=%d nlink=1", end), "fstat", "1")
				w.want("ok", "close", "1")
				w.want("ok", "unlink", "log")
			}
		}
	}
}

const kernelPage = 4096

// Pages of a mapping go to their place, not to the end, also by a descriptor that appends.
func TestMappedThroughAppend(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/log", "")
	w.set("/log", "start\n")
	w.want("ok", "open", "1", "log", "rw+append")
	w.want("ok", "mapwrite", "1", "6", "0", "START")
	w.holds("/log", "START\n", 2)
	w.want("ok", "write", "1", "more\n")
	w.want("ok", "mapwrite", "1", "11", "6", "MORE")
	w.want("ok", "close", "1")
	w.holds("/log", "START\nMORE\n", 3)
}

// What stands in a mapping is a version that was read, and must not undo another.
func TestMappedThroughAppendConflict(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/log", "")
	w.set("/log", "start\n")
	w.want("ok", "open", "1", "log", "rw+append")
	w.want("ok", "map", "1", "6")
	w.want("ok 1*s", "mapped", "1", "0", "1")
	w.set("/log", "theirs\n")
	w.want("ESTALE", "mapwrite", "1", "6", "0", "START")
	w.want("ok", "close", "1")
	w.holds("/log", "theirs\n", 2)
}

// fcntl(2) takes O_APPEND away.
func TestAppendsNoMore(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/log", "")
	w.set("/log", "start\n")
	w.want("ok", "open", "1", "log", "rw+append")
	w.want("ok", "write", "1", "more\n")
	w.want("ok", "setfl", "1", "none")
	w.want("ok", "seek", "1", "0")
	w.want("ok", "write", "1", "START")
	w.want("ok", "setfl", "1", "append")
	w.want("ok", "write", "1", "end\n")
	w.want("ok", "close", "1")
	w.holds("/log", "START\nmore\nend\n", 2)
}

// A handle that appends is read as one that does not: it shows what was written through it, and what
// other clients write.
func TestReadingWhatIsAppendedTo(t *testing.T) {
	for _, mode := range []WatchMode{WatchTree, WatchNode, WatchOff} {
		w := newWorld(t, Options{Watch: mode, MaxAge: 20 * time.Millisecond})
		w.create("/log", "one\n")
		w.want("ok", "open", "1", "log", "rw+append")
		w.want(`ok "one\n"`, "pread", "1", "0", "100")
		w.want("ok", "fsync", "1")
		w.want(`ok "one\n"`, "pread", "1", "0", "100")
		for i, text := range []string{"one\ntwo\n", "a", strings.Repeat("b", 200_000), "c\n"} {
			w.set("/log", text)
			if mode == WatchOff {
				w.eventually(fmt.Sprintf("ok size=%d nlink=1", len(text)), "fstat", "1")
			} else {
				w.quiet()
			}
			w.want(fmt.Sprintf("ok %q", text), "pread", "1", "0", "200100")
			w.want(fmt.Sprintf("ok size=%d nlink=1", len(text)), "fstat", "1")
			w.want("ok "+orders.RunLengths([]byte(text)), "sendfile", "1", "0", "200100")
			if i == 0 {
				w.want("ok", "map", "1", fmt.Sprint(kernelPage))
			}
		}
		w.want("ok", "write", "1", "mine\n")
		w.want(`ok "c\nmine\n"`, "pread", "1", "0", "100")
		for _, call := range []string{"mapped", "sendfile", "splice"} {
			w.want("ok "+orders.RunLengths([]byte("c\nmine\n")), call, "1", "0", "7")
		}
		w.want("ok size=7 nlink=1", "fstat", "1")
		w.set("/log", "theirs\n")
		w.want("ok", "close", "1")
		w.eventually(`ok "theirs\nmine\n"`, "cat", "log")
		w.holds("/log", "theirs\nmine\n", 6)
	}
}

// What is appended by one handle is seen through all other handles, by each call that reads.
func TestAppendedIsSeenThroughOtherHandles(t *testing.T) {
	w := newWorld(t, Options{})
	reader, writers := w.agent, []*agent{newAgent(t, w.dir), newAgent(t, w.dir)}
	w.create("/log", "0")
	reader.want("ok", "open", "1", "log", "r")
	reader.want("ok", "map", "1", fmt.Sprint(2*kernelPage))
	reader.want("ok", "open", "2", "log", "rw")
	for _, a := range writers {
		a.want("ok", "open", "1", "log", "w+append")
	}
	content := "0"
	for i := 1; len(content) < 2*kernelPage-100; i++ {
		if i == 50 { // what they appended is committed, and the kernel has pages of it
			writers[0].want("ok", "fsync", "1")
		}
		piece := strings.Repeat(string(rune('a'+i%26)), 1+(i*37)%100)
		writers[i%2].want("ok", "write", "1", piece)
		at := fmt.Sprint(len(content))
		content += piece
		call := []string{"mapped", "sendfile", "splice"}[i%3]
		reader.want("ok "+orders.RunLengths([]byte(piece)), call, "1", at, fmt.Sprint(len(piece)))
		reader.want(fmt.Sprintf("ok %q", piece), "pread", "2", at, "100")
		reader.want(fmt.Sprintf("ok size=%d nlink=1", len(content)), "fstat", "1")
	}
	for _, a := range writers {
		a.want("ok", "close", "1")
	}
	reader.want("ok "+orders.RunLengths([]byte(content)), "mapped", "1", "0", fmt.Sprint(len(content)))
	w.want(fmt.Sprintf("ok %q", content), "cat", "log")
}
