package poke

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// fakeProc makes folders and symbolic links as in /proc.
func fakeProc(t *testing.T, links map[string]string, folders ...string) (proc string) {
	t.Helper()
	proc = t.TempDir()
	for _, name := range folders {
		if err := os.MkdirAll(filepath.Join(proc, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range links {
		if err := os.Symlink(target, filepath.Join(proc, link)); err != nil {
			t.Fatal(err)
		}
	}
	return proc
}

// watches makes a descriptor of a process one that watches.
func watches(t *testing.T, proc, pid, fd string) {
	t.Helper()
	text := "inotify wd:1 ino:2 sdev:2e mask:fff f_handle:000000000400000003000000\n"
	if err := os.WriteFile(filepath.Join(proc, pid, "fdinfo", fd), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// Processes are looked at by their descriptors, and what is no process is not.
func TestLook(t *testing.T) {
	proc := fakeProc(t, map[string]string{
		"7/fd/3": "anon_inode:inotify", "7/fd/4": "/dev/null", "net/fd/3": "anon_inode:inotify",
		"self/ns/pid": "pid:[4026531999]",
	}, "1", "7/fd", "7/fdinfo", "self/fd", "self/ns", "8/fd", "net/fd")
	watches(t, proc, "7", "3")
	l := NewLooker(here)
	l.proc = proc
	for range 2 * Period { // one that watches is looked at each time
		w, err := l.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !w.Partial || len(w.Inodes) != 1 || !w.Inodes[Handle{Node: 4, Generation: 3}] || w.Unseen != 0 {
			t.Fatalf("%+v", w)
		}
	}
	// Where processes of other users are hidden, the first process is.
	if err := os.Remove(filepath.Join(proc, "1")); err != nil {
		t.Fatal(err)
	}
	if w, err := l.Look(t.Context()); err != nil || w.Unseen != 1 {
		t.Errorf("without process 1: %+v, %v", w, err)
	}
}

// A process that begins to watch is seen at the next look if it is young or its descriptors are more
// than before, and at the latest after the period.
func TestProcessesThatBeginToWatch(t *testing.T) {
	for name, c := range map[string]struct{ lives, within int }{
		"young": {youth - 1, 1}, "old": {youth + Period, Period},
	} {
		proc := fakeProc(t, map[string]string{"5/fd/3": "/dev/null"}, "1", "5/fd", "5/fdinfo", "self/fd")
		l := NewLooker(here)
		l.proc = proc
		look := func() bool {
			w, err := l.Look(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return len(w.Inodes) > 0
		}
		for range c.lives {
			if look() {
				t.Fatal("nothing is watched yet")
			}
		}
		renamed := fakeProc(t, map[string]string{"3": "anon_inode:inotify"})
		if err := os.Rename(filepath.Join(renamed, "3"), filepath.Join(proc, "5/fd/3")); err != nil {
			t.Fatal(err)
		}
		watches(t, proc, "5", "3") // its turn is the fifth look
		took := 1
		for ; !look(); took++ {
			if took > Period {
				t.Fatalf("%s: not seen", name)
			}
		}
		if took > c.within {
			t.Errorf("%s: seen at look %d", name, took)
		}
	}
}

// The kernel counts the descriptors of a process, so that few are asked what they are.
func TestNumberOfDescriptorsIsKnown(t *testing.T) {
	l := NewLooker(here)
	self := strconv.Itoa(os.Getpid())
	before, ended := l.process(self)
	if ended || before.fds == 0 {
		t.Fatalf("%+v, %v", before, ended)
	}
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if after, _ := l.process(self); after.fds != before.fds+1 || after.id != before.id {
		t.Errorf("%+v, then %+v", before, after)
	}
}

// asNobody is the environment variable that makes this program look, and print in how many looks its
// parent is unseen.
const asNobody = "ZKFS_TEST_LOOK"

// What processes of other users watch cannot be seen, and that is known.
func TestProcessesOfOtherUsersAreCounted(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), asNobody+"=1", "GOCOVERDIR="+t.TempDir())
	const nobody = 65534
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := strconv.Atoi(string(out)); err != nil || n < 2*Period {
		t.Errorf("this process is unseen in %q looks of %d", out, 2*Period)
	}
}

// lookAsNobody is that program.
func lookAsNobody() {
	l, unseen := NewLooker(here), 0
	for range 2 * Period {
		w, err := l.Look(context.Background())
		if err != nil {
			panic(err)
		}
		if w.Unseen > 0 && l.known[strconv.Itoa(os.Getppid())].unseen {
			unseen++
		}
	}
	os.Stdout.WriteString(strconv.Itoa(unseen))
}
