package conformance

import (
	"errors"
	"time"

	"github.com/zkfs/zkfs/zk"
)

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
