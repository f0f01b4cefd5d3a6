package fs

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/internal/ensemble"
)

// startPoker starts this test binary as a poker.
func startPoker() *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	return cmd
}

// What another client does raises the events that a local change would.
func TestEventsOfOthers(t *testing.T) {
	for _, mode := range []InotifyMode{InotifyAuto, InotifyOn} {
		t.Run(mode.String(), func(t *testing.T) {
			w := newWorld(t, Options{Inotify: mode, Poker: startPoker})
			w.create("/d", "")
			w.create("/d/f", "one")
			w.create("/d/sub", "")
			w.create("/d/sub/g", "one")
			w.eventually("ok f sub", "ls", "d")
			w.eventually("ok g", "ls", "d/sub")
			w.want("ok", "watch", "d")
			w.want("ok", "watch", "d/f")
			w.set("/d/f", "two")
			w.want("ok d:OPEN f, d/f:OPEN, d:MODIFY f, d/f:MODIFY, d:CLOSE_WRITE f, d/f:CLOSE_WRITE",
				"events", "d/f:CLOSE_WRITE")
			w.want(`ok "two"`, "cat", "d/f")
			w.do("events", "d/f:CLOSE_NOWRITE")
			w.create("/d/new", "")
			w.want("ok d:CREATE+ISDIR new", "events", "d:CREATE+ISDIR new")
			w.create("/d/full", "x")
			w.want("ok d:CREATE full, d:OPEN full, d:MODIFY full, d:CLOSE_WRITE full", "events", "d:CLOSE_WRITE full")
			w.want(`ok "x"`, "cat", "d/full")
			w.do("events", "d:CLOSE_NOWRITE full")
			w.remove("/d/full")
			w.want("ok d:DELETE full", "events", "d:DELETE full")
			w.remove("/d/f")
			w.want("ok d/f:DELETE_SELF, d/f:IGNORED, d:DELETE f", "events", "d:DELETE f")
			w.remove("/d/sub/g")
			w.remove("/d/sub")
			w.want("ok d:DELETE+ISDIR sub", "events", "d:DELETE+ISDIR sub")
		})
	}
}

// No poke reaches ZooKeeper, changes the times of a file, or drops what the kernel holds of one that
// is not the one that has changed.
func TestPokesAskNothing(t *testing.T) {
	w := newWorld(t, Options{Inotify: InotifyOn, Poker: startPoker})
	w.create("/d", "")
	w.create("/d/f", "one")
	w.want(`ok "one"`, "cat", "d/f")
	w.want("ok", "watch", "d")
	w.want("ok f", "ls", "d")
	w.set("/d/f", "two")
	w.do("events", "d:CLOSE_WRITE f") // nothing is left of the beginning
	seen := w.watch("/")
	asked := w.fs.Stats().FromServers
	w.set("/d/f", "three")
	w.do("events", "d:CLOSE_WRITE f")
	w.remove("/d/f")
	w.do("events", "d:DELETE f")
	if now := w.fs.Stats().FromServers; now != asked {
		t.Errorf("%d questions reached the servers", now-asked)
	}
	seen.are(w, "DataChanged /d/f", "Deleted /d/f")
}

// A program that writes when it hears of a change hears of its own write from the kernel, once, and
// of the change of another client. No poke follows its write.
func TestOwnChangesAreNotPoked(t *testing.T) {
	for _, watch := range []WatchMode{WatchTree, WatchNode} {
		t.Run(watch.String(), func(t *testing.T) {
			w := newWorld(t, Options{Inotify: InotifyOn, Poker: startPoker, Watch: watch})
			w.want("ok", "watch", ".")
			for _, name := range []string{"f", "g"} {
				w.create("/"+name, "one")
				w.do("events", ".:CLOSE_WRITE "+name) // else that of its creation may come late
				w.want(`ok "one"`, "cat", name)
				w.want("ok", "watch", name)
				w.set("/"+name, "two")
				w.do("events", name+":CLOSE_WRITE")
				w.want(`ok "two"`, "cat", name)
			}
			w.want("ok", "put", "f", "three")
			w.do("events", "f:CLOSE_WRITE")
			w.set("/g", "three") // its event comes after that of the write
			if got := w.do("events", "g:CLOSE_WRITE"); strings.Contains(got, "f:") {
				t.Errorf("after its write the program hears %s", got)
			}
			q := w.fs.pokes.queue
			q.mu.Lock()
			defer q.mu.Unlock()
			if due := q.pending["/f"]; due.has(ensemble.DataChanged) {
				t.Error("a poke about its write is due")
			}
		})
	}
}

// The poker may do nothing but what is announced, and a process that gets its number may do all.
func TestOnlyTheAnnouncedCallIsAPoke(t *testing.T) {
	w := newWorld(t, Options{Inotify: InotifyOn, Poker: startPoker})
	w.create("/f", "one")
	w.want(`ok "one"`, "cat", "f")
	w.want("ok", "watch", "f")
	poker := &w.fs.announced
	thread, err := strconv.Atoi(strings.TrimPrefix(w.do("thread"), "ok "))
	if err != nil {
		t.Fatal(err)
	}
	poker.thread.Store(uint32(thread)) // a poker that makes calls of its own
	for _, call := range [][]string{
		{"put", "f", "two"}, {"unlink", "f"}, {"mkdir", "d"}, {"mknod", "g"}, {"create", "g", "x"},
		{"rename", "f", "g"}, {"truncate", "f", "0"}, {"touch", "f"}, {"rmdir", "f"},
		{"setxattr", "f", "user.zk.type", "directory"},
	} {
		if got := w.do(call...); strings.HasPrefix(got, "ok") {
			t.Errorf("the poker could %s", strings.Join(call, " "))
		}
	}
	poker.announce("modified", "/other")
	if got := w.do("put", "f", "two"); strings.HasPrefix(got, "ok") {
		t.Error("the poker could write what was not announced")
	}
	poker.withdraw()
	w.holds("/f", "one", 0)
	w.missing("/d")
	w.missing("/g")
	poker.thread.Store(0) // the poker has ended, and its number is another's
	w.want("ok", "put", "f", "two")
	w.holds("/f", "two", 1)
}

// A poker that is killed is replaced, and what it had not told is told. One that is frozen is killed,
// and no program waits for it.
func TestPokerThatDies(t *testing.T) {
	w := newWorld(t, Options{Inotify: InotifyOn, Poker: startPoker})
	w.fs.pokes.patience = 2 * time.Second
	w.create("/f", "one")
	w.want(`ok "one"`, "cat", "f")
	w.want("ok", "watch", "f")
	w.set("/f", "two")
	w.do("events", "f:CLOSE_WRITE")
	for i, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		poker := int(w.fs.announced.thread.Load())
		if err := syscall.Kill(poker, signal); err != nil {
			t.Fatal(err)
		}
		w.set("/f", strings.Repeat("x", i+1))
		w.want("ok", "put", "g"+strconv.Itoa(i), "x")
		w.do("events", "f:CLOSE_WRITE")
		if now := int(w.fs.announced.thread.Load()); now == poker {
			t.Errorf("after %v the poker is the same", signal)
		}
	}
}

// What is mounted on top of the mount, and what lies below it, stays as it is whatever is told of
// meanwhile. An unmount in the middle of it works.
func TestPokesStayOnTheMount(t *testing.T) {
	w := newWorld(t, Options{Inotify: InotifyOn, Poker: startPoker})
	w.create("/d", "")
	w.want("ok", "ls", "d")
	w.want("ok", "watch", "d")
	n := 0
	storm := func() {
		t.Helper()
		for range 30 {
			n++
			name := "/d/" + strconv.Itoa(n)
			w.create(name, "one")
			w.set(name, "two")
			w.remove(name)
		}
	}
	untouched := func(dir, what string, want ...string) {
		t.Helper()
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s has %q", what, names)
		}
	}
	storm()
	if err := unix.Mount("none", w.dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(w.dir+"/d", 0o777); err != nil {
		t.Fatal(err)
	}
	failed := w.fs.Stats().InotifyFailed
	storm()
	await(t, "a poke finds another file system", func() bool { return w.fs.Stats().InotifyFailed > failed })
	untouched(w.dir, "what is mounted on top", "d")
	untouched(w.dir+"/d", "what is mounted on top")
	if err := unix.Unmount(w.dir, 0); err != nil {
		t.Fatal(err)
	}
	told := w.fs.Stats().InotifyTold
	storm()
	await(t, "pokes go on", func() bool { return w.fs.Stats().InotifyTold > told })
	if err := unix.Unmount(w.dir, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	failed = w.fs.Stats().InotifyFailed
	storm()
	await(t, "a poke finds what lies below", func() bool { return w.fs.Stats().InotifyFailed > failed })
	untouched(w.dir, "what lies below")
}

// An unmount among changes ends, and leaves no poker.
func TestUnmountAmongPokes(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/d", "")
	dir := t.TempDir()
	f, err := Mount(w.connect(), dir, Options{Inotify: InotifyOn, Poker: startPoker})
	if err != nil {
		t.Fatal(err)
	}
	a := newAgent(t, dir)
	a.want("ok", "ls", "d")
	for n := range 50 {
		w.create("/d/"+strconv.Itoa(n), "one")
	}
	await(t, "the first poke", func() bool { return f.Stats().InotifyTold > 0 })
	poker := int(f.announced.thread.Load())
	a.want("ok", "chdir", "/")
	if err := f.Unmount(); err != nil {
		t.Error(err)
	}
	f.Wait()
	<-f.pokes.done
	if err := syscall.Kill(poker, 0); err != syscall.ESRCH {
		t.Errorf("the poker lives: %v", err)
	}
}

// await waits until a condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(hang); !holds(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it does not come", what)
		}
	}
}

// A directory that a program works in is not taken away from under it, although the news of its
// creation come late.
func TestLatePokeOfADirectory(t *testing.T) {
	w := newWorld(t, Options{Inotify: InotifyOn, Poker: startPoker})
	w.create("/d", "")
	w.want("ok", "chdir", "d")
	w.want("ok", "watch", ".")
	for range 3 {
		w.fs.pokes.queue.add("/d", passed{what: ensemble.Created})
		await(t, "the end of the queue", func() bool {
			q := w.fs.pokes.queue
			q.mu.Lock()
			defer q.mu.Unlock()
			return len(q.pending) == 0
		})
	}
	w.create("/d/g", "x") // what was taken from the queue before is done
	w.do("events", ".:CLOSE_WRITE g")
	w.want("ok", "put", "f", "x")
	w.holds("/d/f", "x", 0)
	w.want("ok .:CREATE f, .:OPEN f, .:MODIFY f, .:CLOSE_WRITE f", "events", ".:CLOSE_WRITE f")
}
