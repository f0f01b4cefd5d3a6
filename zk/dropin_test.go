package zk_test

import (
	"errors"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// What programs written for other clients of this API rely on, besides what the tests of each subject show.

// Programs compare errors with ==.
func TestErrorsAreTheVariablesThemselves(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		create(t, c, "/a")
		create(t, c, "/a/b")
		if _, err := c.Create("/e", nil, zk.FlagEphemeral, acl); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Create("/locked", nil, 0, zk.DigestACL(zk.PermAll, "bob", "secret")); err != nil {
			t.Fatal(err)
		}
		is := func(name string, got, want error) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %v, want the variable of %v", name, got, want)
			}
		}
		_, _, err := c.Get("/none")
		is("get", err, zk.ErrNoNode)
		_, _, _, err = c.GetW("/none")
		is("get with a watch", err, zk.ErrNoNode)
		_, err = c.Create("/a", nil, 0, acl)
		is("create", err, zk.ErrNodeExists)
		_, err = c.Create("/e/x", nil, 0, acl)
		is("create below an ephemeral", err, zk.ErrNoChildrenForEphemerals)
		_, err = c.Create("/x", nil, 0, nil)
		is("create with no ACL", err, zk.ErrInvalidACL)
		_, err = c.Create("/x", nil, 7, acl)
		is("create with flags that do not exist", err, zk.ErrInvalidFlags)
		is("delete", c.Delete("/a", -1), zk.ErrNotEmpty)
		_, err = c.Set("/a", nil, 7)
		is("set", err, zk.ErrBadVersion)
		_, _, err = c.Get("/locked")
		is("get without permission", err, zk.ErrNoAuth)
		for _, path := range []string{"", "a", "/a/", "/a//b", "/a/../b"} {
			_, _, err = c.Get(path)
			is("get "+path, err, zk.ErrInvalidPath)
			_, err = c.Create(path, nil, 0, acl)
			is("create "+path, err, zk.ErrInvalidPath)
		}
		results, err := c.Multi(&zk.CheckVersionRequest{Path: "/a", Version: 7}, &zk.DeleteRequest{Path: "/a/b", Version: -1})
		is("multi", err, zk.ErrBadVersion)
		is("the operation at fault", results[0].Error, zk.ErrBadVersion)
		c.Close()
		_, _, err = c.Get("/a")
		is("after Close", err, zk.ErrClosing)
	})
}

// Programs read the Stat before they look at the error.
func TestStatIsNeverNilWithoutAWatch(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		stats := func(path string) map[string]*zk.Stat {
			all := map[string]*zk.Stat{}
			_, all["Exists"], _ = c.Exists(path)
			_, all["Get"], _ = c.Get(path)
			_, all["Children"], _ = c.Children(path)
			_, all["GetACL"], _ = c.GetACL(path)
			all["Set"], _ = c.Set(path, nil, -1)
			all["SetACL"], _ = c.SetACL(path, acl, -1)
			return all
		}
		check := func(path string) {
			t.Helper()
			for name, stat := range stats(path) {
				if stat == nil || *stat != (zk.Stat{}) {
					t.Errorf("%s of %q: stat %+v", name, path, stat)
				}
			}
		}
		check("/none")
		check("not a path")
		c.Close()
		check("/")
	})
}

// With an error the channel of a watch is nil: nobody waits for ever, because nobody waits.
func TestNoChannelWithAnError(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		data, stat, events, err := c.GetW("/none")
		if data != nil || stat != nil || events != nil || err != zk.ErrNoNode {
			t.Errorf("GetW: %q, %v, %v, %v", data, stat, events, err)
		}
		names, stat, events, err := c.ChildrenW("/none")
		if names != nil || stat != nil || events != nil || err != zk.ErrNoNode {
			t.Errorf("ChildrenW: %q, %v, %v, %v", names, stat, events, err)
		}
		found, stat, events, err := c.ExistsW("/none")
		if found || stat == nil || events == nil || err != nil {
			t.Fatalf("ExistsW: %v, %v, %v, %v", found, stat, events, err)
		}
		create(t, c, "/none")
		if e := receive(t, events); e.Type != zk.EventNodeCreated || e.Path != "/none" || e.State != zk.StateSyncConnected {
			t.Errorf("event %+v", e)
		}
		if _, ok := <-events; ok {
			t.Error("a second event")
		}
	})
}

// The channel of Connect tells watch events too, and is closed after Close.
func TestEventsOfConnect(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, events := connect(t, server)
		await(t, events, zk.StateHasSession)
		_, _, fired, err := c.ExistsW("/a")
		wantErr(t, err, nil)
		create(t, c, "/a")
		if e, copied := receive(t, fired), receive(t, events); e != copied || e.Type != zk.EventNodeCreated {
			t.Errorf("the watch got %+v, everybody %+v", e, copied)
		}
		c.Close()
		limit := time.After(time.Hour)
		for {
			select {
			case _, ok := <-events:
				if !ok {
					return
				}
			case <-limit:
				t.Fatal("the channel is open an hour after Close")
			}
		}
	})
}

// Options of programs are functions of a *Conn that is not connected yet.
func TestOptionOfTheUser(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		var early zk.State
		c, _ := connect(t, server, func(c *zk.Conn) {
			c.SetLogger(silence{})
			early = c.State()
		})
		create(t, c, "/a")
		if early != zk.StateDisconnected {
			t.Errorf("before it connects: %v", early)
		}
	})
}

// contender is the name of a contender for a lock, by which other clients' contenders know it.
var contender = regexp.MustCompile(`^_c_[0-9a-f]{32}-lock-[0-9]{10}$`)

func TestLockAsProgramsKnowIt(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		c, _ := connect(t, server)
		own := append(zk.WorldACL(zk.PermAll), zk.DigestACL(zk.PermRead, "bob", "secret")...)
		l := zk.NewLock(c, "/locks/a", own)
		if err := l.Unlock(); err != zk.ErrNotLocked {
			t.Errorf("unlock: %v", err)
		}
		wantErr(t, l.LockWithData([]byte("me")), nil)
		if err := l.Lock(); err != zk.ErrDeadlock {
			t.Errorf("lock again: %v", err)
		}
		names, _, err := c.Children("/locks/a")
		wantErr(t, err, nil)
		if len(names) != 1 || !contender.MatchString(names[0]) {
			t.Fatalf("contenders %q", names)
		}
		for _, path := range []string{"/locks", "/locks/a", "/locks/a/" + names[0]} {
			if list, _, err := c.GetACL(path); err != nil || !slices.Equal(list, own) {
				t.Errorf("ACL of %s: %v, %v, want that of the lock", path, list, err)
			}
		}
		data, _, err := c.Get("/locks/a/" + names[0])
		if err != nil || string(data) != "me" {
			t.Errorf("data of the contender: %q, %v", data, err)
		}
		wantErr(t, l.Unlock(), nil)
		if _, _, err := c.Get("/locks/a/" + names[0]); !errors.Is(err, zk.ErrNoNode) {
			t.Errorf("after unlock: %v", err)
		}
	})
}
