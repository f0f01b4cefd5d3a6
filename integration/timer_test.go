package integration

import (
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/proxy"
	"github.com/zkfs/zkfs/zk"
)

// A program with a timer, whose handler restarts system calls, finds what a slow server has, like
// any other program. Python itself makes a call again that fails with EINTR, so the calls are those
// of the C library.
const withTimer = `
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
libc.opendir.restype = ctypes.c_void_p
signal.signal(signal.SIGALRM, lambda *_: None)
signal.siginterrupt(signal.SIGALRM, False)
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
def show(name, ok):
    print(name, "ok" if ok else os.strerror(ctypes.get_errno()))
show("access", libc.access(b"a", os.R_OK) == 0)
show("open", libc.open(b"b", os.O_RDONLY) >= 0)
show("opendir", libc.opendir(b"d"))
signal.setitimer(signal.ITIMER_REAL, 0) # Python ends without its handlers
`

func TestTimerAgainstASlowServer(t *testing.T) {
	server, root := addr(shared.Servers[0]), newRoot(t)
	c := connect(t, []string{server}, zk.WithChroot(root))
	create(t, c, "/a", "data", zk.FlagPersistent)
	create(t, c, "/b", "data", zk.FlagPersistent)
	create(t, c, "/d", "", zk.FlagPersistent)
	create(t, c, "/d/c", "data", zk.FlagPersistent)
	way := newProxy(t, server)
	m := mount(t, way.Addr()+root, "--session-timeout=40s", "--timeout=30s")
	way.Set(proxy.Fault{Delay: time.Second}) // on each of the two ways
	if got, want := m.sh(t, "/usr/bin/python3 -c '"+withTimer+"'"), "access ok\nopen ok\nopendir ok\n"; got != want {
		t.Errorf("printed\n%swant\n%s", got, want)
	}
	way.Mend()
}
