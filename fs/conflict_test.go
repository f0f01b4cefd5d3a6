package fs

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

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

// The kernel sends a write(2) that goes beyond the page in which it begins in two requests if it does not hold that page. Who closes the file
// between them commits neither.
func TestHalfAWriteIsNoVersion(t *testing.T) {
	const at = kernelPage - 4
	start := strings.Repeat("x", at)
	write := func(h *handle, text string, off int64) {
		t.Helper()
		if _, errno := h.Write(t.Context(), []byte(text), off); errno != 0 {
			t.Fatal(errno)
		}
	}
	flush := func(h *handle) {
		t.Helper()
		if errno := h.Flush(t.Context()); errno != 0 {
			t.Fatal(errno)
		}
	}
	for name, test := range map[string]struct {
		first, last string // what the other writes before and after the half
		versions    []string
	}{
		"alone":  {"", "", []string{"", "half and half\n"}},
		"behind": {"one\n", "", []string{"one\n", "one\nhalf and half\n"}},
		"before": {"", "two\n", []string{"half and half\ntwo\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.create("/log", start)
			w.want("ok", "open", "1", "log", "r") // so that the kernel does not forget it, which it may when it hears of the creation
			f := w.fs.root.GetChild("log").Operations().(*file)
			open := func() *handle {
				h, _, err := f.open(t.Context(), syscall.O_WRONLY|syscall.O_APPEND, 0)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { h.Release(t.Context()) })
				return h
			}
			one, other := open(), open()
			if test.first != "" {
				write(other, test.first, at)
			}
			half := "half"
			write(one, half, at)
			if test.last != "" {
				write(one, " and half\n", kernelPage)
				write(other, test.last, kernelPage+10)
				flush(other)
				w.holds("/log", start+test.versions[0], 1)
				return
			}
			flush(other)
			flush(other) // the second close of its opener commits whatever there is
			w.holds("/log", start+test.versions[0], int32(len(test.first)/4))
			write(one, " and half\n", kernelPage)
			flush(one)
			w.holds("/log", start+test.versions[1], int32(len(test.first)/4)+1)
		})
	}
}
