package fs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/internal/ensemble"
)

// A file that a program uses keeps its name, although the news of its creation come late. Programs
// that watch hear that it was written.
func TestLatePokeOfAFile(t *testing.T) {
	for _, lacksPrune := range []bool{false, true} {
		t.Run(fmt.Sprintf("lacksPrune=%v", lacksPrune), func(t *testing.T) {
			w := newWorld(t, Options{Inotify: InotifyOn, Poker: startPoker})
			w.fs.notify.lacksPrune = lacksPrune // before there is anything to forget
			for _, name := range []string{"open", "below", "bound"} {
				w.create("/"+name, "x")
				w.want(`ok "x"`, "cat", name)
			}
			w.want("ok", "open", "1", "open", "r")
			spare := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(spare, []byte("on top"), 0o666); err != nil {
				t.Fatal(err)
			}
			bind(t, spare, w.dir+"/below")
			bind(t, w.dir+"/bound", spare)
			w.want("ok", "watch", ".")
			for _, late := range []ensemble.News{ensemble.Created, ensemble.Created | ensemble.Deleted} {
				for _, name := range []string{"below", "open", "bound"} {
					w.fs.pokes.queue.add("/"+name, passed{what: late, wasKnown: true})
					if name == "below" {
						continue // what is on top of it keeps the poker away
					}
					if got := w.do("events", ".:CLOSE_WRITE "+name); strings.Contains(got, "CREATE") {
						t.Errorf("%s: %s", name, got)
					}
				}
			}
			w.want("ok "+w.dir+"/open", "descriptor", "1")
			w.want(`ok "on top"`, "cat", "below")
			mounts, err := os.ReadFile("/proc/self/mountinfo")
			if err != nil {
				t.Fatal(err)
			}
			if mount := " /bound " + spare + " "; !strings.Contains(string(mounts), mount) {
				t.Errorf("there is no mount%s", mount)
			}
		})
	}
}

// bind mounts a file on another one until the test ends. Another process does: it uses the mount.
func bind(t *testing.T, file, on string) {
	t.Helper()
	if out, err := exec.Command("mount", "--bind", file, on).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", on).Run() })
}

// A file that a program has looked up and does not use any more is created in the eyes of those that
// watch.
func TestLatePokeOfAFileThatIsNotUsed(t *testing.T) {
	w := newWorld(t, Options{Inotify: InotifyOn, Poker: startPoker})
	w.want("ok", "watch", ".")
	w.create("/f", "x")
	w.do("events", ".:CLOSE_WRITE f")
	w.want(`ok "x"`, "cat", "f")
	w.do("events", ".:CLOSE_NOWRITE f")
	w.fs.pokes.queue.add("/f", passed{what: ensemble.Created})
	w.want("ok .:CREATE f, .:OPEN f, .:MODIFY f, .:CLOSE_WRITE f", "events", ".:CLOSE_WRITE f")
}

// No file of a mount can be executed, so no program is refused while the poker has its file open.
func TestNoFileIsExecuted(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "#!/bin/sh\n")
	w.want(`ok "#!/bin/sh\n"`, "cat", "f")
	w.do("chmod", "f", "755")
	w.want("EACCES", "exec", "f")
	w.want("ok", "openmode", "1", "g", "w+creat", "755")
	w.want("EACCES", "exec", "g")
}
