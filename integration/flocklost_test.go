package integration

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// A holder whose connection is cut for longer than its session lives is told so by its handle, and nothing else breaks.
func TestLockLostWithItsSession(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	server := addr(shared.Servers[0])
	way := newProxy(t, server)
	a := mount(t, way.Addr()+root, "--session-timeout=8s")
	b := mount(t, server+root)
	j := newJudge(t)
	holder, next := a.flocker(t, "flock", "x.lock", j), b.flocker(t, "flock", "x.lock", j)
	holder.do("lock")
	holder.do("write", "before")
	next.start("lock")
	next.waits()

	way.Break()
	next.want("done")
	way.Mend()
	holder.start("write", "after")
	holder.want("EIO")
	holder.start("write", "once more")
	holder.want("EIO")
	line := fmt.Sprintf("path=/x.lock process=%d", holder.cmd.Process.Pid)
	eventually(t, func() error {
		if log := a.log.String(); strings.Count(log, line) != 1 {
			return fmt.Errorf("%q is not once in the log:\n%s", line, log)
		}
		return nil
	})

	a.prints(t, "locks held       0\n", "grep '^locks held' .status")
	a.prints(t, "value\n", "echo value > other; cat other; flock y.lock true")
	next.do("unlock")
	holder.do("unlock")
	holder.do("lock")
	holder.do("write", "again")
}

// A waiter hinders neither other files nor other locks nor the end of the mount.
func TestBlockedLockBlocksNothingElse(t *testing.T) {
	t.Parallel()
	a, b, c := mountTwice(t)
	holder := zk.NewLock(c, "/x.lock", zk.WorldACL(zk.PermAll))
	if err := holder.Lock(); err != nil {
		t.Fatal(err)
	}
	j := newJudge(t)
	waiting := []*player{a.flocker(t, "flock", "x.lock", j), a.flocker(t, "lockf", "x.lock", j), b.flocker(t, "flock", "x.lock", j)}
	for i, p := range waiting {
		p.start("lock")
		contenders(t, c, "/x.lock", i+2)
	}
	a.prints(t, "v\nf\nx.lock\ny\n", "echo v > f; cat f; ls; flock -n y.lock echo y; flock -n x.lock echo wrong; head -1 x.lock > /dev/null; stat x.lock > /dev/null")

	command, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(command, "umount", a.dir).CombinedOutput(); err == nil || !strings.Contains(string(out), "in use") {
		t.Errorf("umount while a file is open: error %v, printed %q", err, out)
	}
	if out, err := exec.Command(command, "umount", "-l", a.dir).CombinedOutput(); err != nil {
		t.Errorf("umount -l: error %v, printed %q", err, out)
	}
	if isMounted(a.dir) {
		t.Error("still mounted after umount -l")
	}
	for _, m := range []*mounted{a, b} {
		if err := m.daemon.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if !m.wait(hang) {
			t.Error("the daemon does not end while a lock is waited for")
		}
	}
	contenders(t, c, "/x.lock", 1)
	for _, p := range waiting {
		select {
		case answer := <-p.Answers():
			if answer == "done" {
				t.Errorf("%s: got the lock", p.name)
			}
		case <-time.After(hang):
			t.Errorf("%s: still waits although the mount is gone", p.name)
		}
	}
}
