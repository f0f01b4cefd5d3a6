// Package conformance is the table of what a ZooKeeper and a client of it must do. It is the judge of package zk, and of
// zktest against real servers: each case runs through the client, on either, and its name states the rule. Compare
// adds random operations, which must come out the same on both.
package conformance

import (
	"crypto/rand"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// A Target is the server under test. It must allow TTL nodes and session timeouts down to a second, settle for
// less than an hour, and look for containers every few seconds at least.
type Target struct {
	Servers []string
	Dialer  zk.Dialer // nil for TCP
	Super   string    // user:password of the superuser
	Server  Server    // the zero value is ZooKeeper 3.8
	Views   bool      // connections have their roots by Chroot, not by WithChroot
}

// A Case is one rule, as it holds on ZooKeeper 3.8. What holds in its place on another server
// stands in differences.
type Case struct {
	Name string
	run  func(*env)
}

// Cases returns the table, without the rows that say nothing of the server.
func Cases(s Server) []Case {
	return slices.DeleteFunc(allCases(), func(c Case) bool { return c.on(s) == nil })
}

// allCases returns the whole table.
func allCases() []Case {
	var all []Case
	for _, cases := range [][]Case{
		znodeCases, writeCases, readCases, aclCases, multiCases, watchCases, unwatchCases, rearmCases, lastingCases, sessionCases, mortalCases,
		childStatsCases,
	} {
		all = append(all, cases...)
	}
	return all
}

// Run runs every case as a subtest.
func Run(t *testing.T, target Target) {
	for _, c := range Cases(target.Server) {
		t.Run(c.Name, func(t *testing.T) { c.Run(t, target) })
	}
}

// Run runs one case, below a znode of its own, which it removes.
func (c Case) Run(t *testing.T, target Target) {
	e := newEnv(t, target)
	defer e.cleanUp()
	c.on(target.Server)(e)
}

// An env is what a case has: a connection whose root is the case's own znode, and helpers that fail the test.
type env struct {
	*testing.T
	target Target
	root   string
	plain  *zk.Conn // without chroot
	conn   *zk.Conn
	conns  []*zk.Conn
}

func newEnv(t *testing.T, target Target) *env {
	t.Helper()
	if target.Dialer == nil {
		target.Dialer = net.DialTimeout
	}
	e := &env{T: t, target: target, root: "/conformance-" + rand.Text()}
	e.plain = e.rooted()
	e.must(second(e.plain.Create(e.root, nil, 0, open)))
	e.conn = e.connect()
	return e
}

// open is the ACL of everything that is not about ACLs, others the one of what the case may not
// touch.
var (
	open   = zk.WorldACL(zk.PermAll)
	others = zk.DigestACL(zk.PermAll, "other", "one")
)

// Session timeouts: long where the session is to outlive what the case does to it, brief where its end is awaited.
const (
	long  = time.Minute
	brief = 2 * time.Second
)

// patience is how long a case waits for what must come. Only a hang takes that long, on whatever
// machine.
const patience = 3 * time.Minute

func (e *env) cleanUp() {
	super := e.rooted()
	if err := super.AddAuth("digest", []byte(e.target.Super)); err != nil {
		e.Error(err)
	}
	if err := removeAll(super, e.root); err != nil {
		e.Errorf("clean up: %v", err)
	}
	for _, c := range e.conns {
		c.Close()
	}
}

func removeAll(c *zk.Conn, path string) error {
	names, _, err := c.Children(path)
	for _, name := range names {
		err = errors.Join(err, removeAll(c, path+"/"+name))
	}
	if err = errors.Join(err, c.Delete(path, -1)); errors.Is(err, zk.ErrNoNode) {
		return nil // an ephemeral, or a container, was faster
	}
	return err
}

// quiet keeps a client from logging.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// dial opens a connection, which ends with the case.
func (e *env) dial(dialer zk.Dialer, timeout time.Duration, options ...zk.Option) (*zk.Conn, *states) {
	e.Helper()
	options = append([]zk.Option{zk.WithDialer(dialer), zk.WithLogger(quiet{})}, options...)
	c, events, err := zk.Connect(e.target.Servers, timeout, options...)
	if err != nil {
		e.Fatal(err)
	}
	e.conns = append(e.conns, c)
	return c, &states{e, events}
}

// dialAt is dial for a connection, or a view of one, with root as its root.
func (e *env) dialAt(
	root string, dialer zk.Dialer, timeout time.Duration, options ...zk.Option,
) (*zk.Conn, *states) {
	e.Helper()
	if !e.target.Views {
		return e.dial(dialer, timeout, append(options, zk.WithChroot(root))...)
	}
	c, s := e.dial(dialer, timeout, options...)
	view, err := c.Chroot(root)
	e.must(err)
	return view, s
}

// rooted opens a connection without chroot.
func (e *env) rooted(options ...zk.Option) *zk.Conn {
	e.Helper()
	c, _ := e.dial(e.target.Dialer, long, options...)
	return c
}

// connect opens a connection whose root is that of the case.
func (e *env) connect(options ...zk.Option) *zk.Conn {
	e.Helper()
	c, _ := e.dialAt(e.root, e.target.Dialer, long, options...)
	return c
}
