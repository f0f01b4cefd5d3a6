package integration

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// testLog shows what a client logs if the test fails.
type testLog struct{ t *testing.T }

func (l testLog) Printf(format string, args ...any) {
	l.t.Helper()
	l.t.Logf(format, args...)
}

// sessionTimeout is the longest that the servers grant. A session outlives the pauses of a busy
// machine, of a server with a large heap, and of a server that is away. Otherwise its watches would
// miss changes, and its ephemerals go.
const sessionTimeout = time.Minute

// connect opens a session with the servers, which ends with the test. A server that is about to
// serve may leave a connection without an answer, so an attempt is given up after a while.
func connect(t *testing.T, servers []string, options ...zk.Option) *zk.Conn {
	t.Helper()
	options = append([]zk.Option{zk.WithLogger(testLog{t}), zk.WithConnectTimeout(5 * time.Second)}, options...)
	c, _, err := zk.Connect(servers, sessionTimeout, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

var roots atomic.Int64

// newRoot makes a znode on the shared server for the test alone, and returns its path.
func newRoot(t *testing.T) string {
	t.Helper()
	root := fmt.Sprintf("/%s-%d", strings.ReplaceAll(t.Name(), "/", "-"), roots.Add(1))
	c, err := shared.Connect(0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Create(root, nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	return root
}

// sharedConn opens a session with the shared server whose root is a znode of the test's own.
func sharedConn(t *testing.T, options ...zk.Option) *zk.Conn {
	t.Helper()
	return connect(t, []string{addr(shared.Servers[0])}, append(options, zk.WithChroot(newRoot(t)))...)
}

// gone waits until the znode does not exist.
func gone(t *testing.T, c *zk.Conn, path string) {
	t.Helper()
	eventually(t, func() error {
		exists, _, err := c.Exists(path)
		if err == nil && exists {
			err = fmt.Errorf("%s still exists", path)
		}
		return err
	})
}
