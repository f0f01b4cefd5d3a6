// Package conformance is the table of what a ZooKeeper and a client of it must do. It is the judge of package zk, and of
// zktest against real servers: each case runs through the client, on either, and its name states the rule.
package conformance

import (
	"crypto/rand"
	"errors"
	"net"
	"strings"
	"sync"
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
}

// A Case is one rule.
type Case struct {
	Name string
	run  func(*env)
}

// Cases returns the whole table.
func Cases() []Case {
	var all []Case
	for _, cases := range [][]Case{
		znodeCases, writeCases, readCases, aclCases, multiCases, watchCases, rearmCases, lastingCases, sessionCases, mortalCases,
	} {
		all = append(all, cases...)
	}
	return all
}

// Run runs every case as a subtest.
func Run(t *testing.T, target Target) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) { c.Run(t, target) })
	}
}

// Run runs one case, below a znode of its own, which it removes.
func (c Case) Run(t *testing.T, target Target) {
	if target.Dialer == nil {
		target.Dialer = net.DialTimeout
	}
	e := &env{T: t, target: target, root: "/conformance-" + rand.Text()}
	e.plain = e.rooted()
	e.must(second(e.plain.Create(e.root, nil, 0, open)))
	defer e.cleanUp()
	e.conn = e.connect()
	c.run(e)
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

// open is the ACL of everything that is not about ACLs.
var open = zk.WorldACL(zk.PermAll)

// Session timeouts: long where the session is to outlive what the case does to it, brief where its end is awaited.
const (
	long  = 30 * time.Second
	brief = time.Second
)

// patience is how long a case waits for what must come.
const patience = 20 * time.Second

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
func (e *env) dial(dialer zk.Dialer, timeout time.Duration, options ...func(*zk.Conn)) (*zk.Conn, *states) {
	e.Helper()
	c, events, err := zk.Connect(e.target.Servers, timeout, zk.WithDialer(dialer), zk.WithLogger(quiet{}),
		func(c *zk.Conn) {
			for _, option := range options {
				option(c)
			}
		})
	if err != nil {
		e.Fatal(err)
	}
	e.conns = append(e.conns, c)
	return c, &states{e, events}
}

// rooted opens a connection without chroot.
func (e *env) rooted(options ...func(*zk.Conn)) *zk.Conn {
	e.Helper()
	c, _ := e.dial(e.target.Dialer, long, options...)
	return c
}

// connect opens a connection whose root is that of the case.
func (e *env) connect(options ...func(*zk.Conn)) *zk.Conn {
	e.Helper()
	return e.rooted(append(options, zk.WithChroot(e.root))...)
}

// A link is a way to the server that can be cut.
type link struct {
	dial zk.Dialer
	mu   sync.Mutex // guards the following
	conn net.Conn
	down bool
}

func (l *link) dialer(network, address string, timeout time.Duration) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, errors.New("the link is down")
	}
	conn, err := l.dial(network, address, timeout)
	l.conn = conn
	return conn, err
}

// cut ends the connection and lets no other succeed until mend is called.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	l.conn.Close()
}

func (l *link) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

// remote opens a connection over a link, and waits for its session, which lives on without it for the timeout.
func (e *env) remote(timeout time.Duration, options ...func(*zk.Conn)) (*zk.Conn, *link, *states) {
	e.Helper()
	l := &link{dial: e.target.Dialer}
	c, s := e.dial(l.dialer, timeout, append(options, zk.WithChroot(e.root))...)
	s.await(zk.StateHasSession)
	return c, l, s
}

// states are the changes of a connection's state.
type states struct {
	e      *env
	events <-chan zk.Event
}

// await waits for a state, whatever comes before it.
func (s *states) await(want zk.State) {
	s.e.Helper()
	timeout := time.After(patience)
	for {
		select {
		case ev, ok := <-s.events:
			if !ok {
				s.e.Fatalf("the connection was closed while %v was awaited", want)
			}
			if ev.Type == zk.EventSession && ev.State == want {
				return
			}
		case <-timeout:
			s.e.Fatalf("no %v", want)
		}
	}
}

func (e *env) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// fails checks that err is want.
func (e *env) fails(err, want error) {
	e.Helper()
	if !errors.Is(err, want) {
		e.Errorf("error %v, want %v", err, want)
	}
}

func second[T any](_ T, err error) error                 { return err }
func third[T, U any](_ T, _ U, err error) error          { return err }
func fourth[T, U, V any](_ T, _ U, _ V, err error) error { return err }

// equal checks a value.
func equal[T comparable](e *env, what string, got, want T) {
	e.Helper()
	if got != want {
		e.Errorf("%s is %v, want %v", what, got, want)
	}
}

// create makes a znode that is open to all and returns its path.
func (e *env) create(path, data string) string {
	e.Helper()
	return e.createAs(path, data, 0, open)
}

func (e *env) createAs(path, data string, flags int32, acl []zk.ACL) string {
	e.Helper()
	created, err := e.conn.Create(path, []byte(data), flags, acl)
	e.must(err)
	return created
}

func (e *env) set(path, data string) *zk.Stat {
	e.Helper()
	stat, err := e.conn.Set(path, []byte(data), -1)
	e.must(err)
	return stat
}

func (e *env) delete(path string) {
	e.Helper()
	e.must(e.conn.Delete(path, -1))
}

// stat returns the Stat of a znode that must be there.
func (e *env) stat(path string) *zk.Stat {
	e.Helper()
	ok, stat, err := e.conn.Exists(path)
	e.must(err)
	if !ok {
		e.Fatalf("%s is missing", path)
	}
	return stat
}

// holds checks the data of a znode.
func (e *env) holds(path, want string) {
	e.Helper()
	data, _, err := e.conn.Get(path)
	e.must(err)
	equal(e, "data of "+path, string(data), want)
}

// missing checks that there is no znode.
func (e *env) missing(path string) {
	e.Helper()
	ok, _, err := e.conn.Exists(path)
	e.must(err)
	if ok {
		e.Errorf("%s is there", path)
	}
}

// receives checks the next event of a watch.
func (e *env) receives(events <-chan zk.Event, typ zk.EventType, path string) zk.Event {
	e.Helper()
	select {
	case ev, ok := <-events:
		if !ok {
			e.Fatalf("the watch was closed, want %v %s", typ, path)
		}
		if ev.Type != typ || ev.Path != path {
			e.Errorf("event %v %s, want %v %s", ev.Type, ev.Path, typ, path)
		}
		return ev
	case <-time.After(patience):
		e.Fatalf("no event, want %v %s", typ, path)
	}
	return zk.Event{}
}

// silent checks that no event has come of anything that was done before. c is the watch's connection.
func (e *env) silent(c *zk.Conn, events <-chan zk.Event) {
	e.Helper()
	e.must(second(c.Sync("/"))) // its reply comes behind every event
	select {
	case ev, ok := <-events:
		if ok {
			e.Errorf("event %v %s, want none", ev.Type, ev.Path)
		} else {
			e.Error("the watch was closed")
		}
	default:
	}
}

// closed checks that a watch has nothing more to say.
func (e *env) closed(events <-chan zk.Event) {
	e.Helper()
	select {
	case ev, ok := <-events:
		if ok {
			e.Errorf("event %v %s, want the end", ev.Type, ev.Path)
		}
	case <-time.After(patience):
		e.Error("the watch stays open")
	}
}

// base returns the last name of a path.
func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
