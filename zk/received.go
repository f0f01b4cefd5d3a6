package zk

import (
	"errors"
	"fmt"
	"slices"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// Paths and names that servers send come in through here alone. A program joins them to directories
// and hands them to hooks, so what no request of this client could carry must not reach it: a
// server may be hostile, or keep other rules than ZooKeeper.

// errOutside is the reason for which a path outside the chroot is refused.
var errOutside = errors.New("outside the chroot")

// receivedPath returns a path of the server as users of the Conn know it. It refuses what is not the
// path of a znode, with [wire.ErrMalformed], and with errOutside a path outside the chroot.
func (r chroot) receivedPath(path string) (string, error) {
	if err := validatePath(path); err != nil {
		return "", fmt.Errorf("zk: path from the server: %w: %v", wire.ErrMalformed, err)
	}
	own, ok := r.clientPath(path)
	if !ok {
		return "", fmt.Errorf("zk: path from the server: %q is %w", path, errOutside)
	}
	return own, nil
}

// receivedPaths returns those of paths that receivedPath does not refuse, in the same memory.
func (c *Conn) receivedPaths(paths []string) []string {
	kept := paths[:0]
	for _, path := range paths {
		switch own, err := c.receivedPath(path); {
		case err == nil:
			kept = append(kept, own)
		case !errors.Is(err, errOutside): // the server compares strings, and /apple begins with /app
			c.doubt(err)
		}
	}
	return kept
}

// receivedNames returns the names of children without those that no znode can have, in the same
// memory.
func (c *client) receivedNames(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return !c.receivedName(name) })
}

// receivedName reports whether a znode can have the name of a child.
func (c *client) receivedName(name string) bool {
	if validName(name) {
		return true
	}
	c.doubt(fmt.Errorf("zk: child from the server: %w: %q is not a name", wire.ErrMalformed, name))
	return false
}

// misread notes that a reply was not understood. What can be done without is not asked of such a server again.
func (c *client) misread(op wire.Op, record []byte, err error) {
	c.logMisread(op, record, err)
	if f, ok := featureOf(op); ok {
		c.features.learnHere(f, Lacking)
	}
}

// misreadBytes is how many bytes of a reply that was not understood are logged.
const misreadBytes = 64

// logMisread logs the reply to the first request of each operation only: a server may go on so without end.
func (c *client) logMisread(op wire.Op, record []byte, err error) {
	if _, known := c.misreads.LoadOrStore(op, true); !known {
		c.log.errorf("zk: %s: reply to %v not understood: %v: %d bytes, %x",
			c.serverName(), op, err, len(record), record[:min(len(record), misreadBytes)])
	}
}

// doubt logs what was left out, the first time only: a server may send it without end.
func (c *client) doubt(err error) {
	c.doubted.Do(func() { c.log.errorf("%v: ignored, as more of the kind will be without a word", err) })
}
