//go:build integration

package zk

import (
	"slices"
	"testing"
	"time"

	stdzk "github.com/go-zookeeper/zk"

	"github.com/go-kit/kit/sd"
)

// A service is registered in the session that follows an expired one, an Instancer sees that, and
// sees other data of an instance; Deregister ends it.
func TestServiceOutlivesItsSession(t *testing.T) {
	registry, follower := open(t), open(t)
	instancer, err := NewInstancer(follower, "/sessions.test/service", logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(instancer.Stop)
	events := make(chan sd.Event, 1000)
	instancer.Register(events)
	t.Cleanup(func() { instancer.Deregister(events) })

	service := &Service{Path: "/sessions.test", Name: "service", Data: []byte("one:1")}
	if err := registry.Register(service); err != nil {
		t.Fatal(err)
	}
	await(t, events, "one:1")
	expire(t, registry.Conn)
	await(t, events, "one:1")
	expire(t, follower.Conn)
	if _, err := registry.Set(service.node.Path(), []byte("two:2"), -1); err != nil {
		t.Fatal(err)
	}
	await(t, events, "two:2")
	if err := registry.Deregister(service); err != nil {
		t.Fatal(err)
	}
	await(t, events)
	if err := registry.Deregister(service); err != ErrNotRegistered {
		t.Errorf("a second time: %v", err)
	}
}

func open(t *testing.T) *client {
	t.Helper()
	c, err := NewClient(host, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c.(*client)
}

// expire lets the servers end the session of conn, and waits for the next one.
func expire(t *testing.T, conn *stdzk.Conn) {
	t.Helper()
	old := conn.SessionID()
	session := stdzk.WithSession(old, conn.SessionPassword())
	other, _, err := stdzk.Connect(host, 30*time.Second, session)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.WaitConnected(); err != nil {
		t.Fatal(err)
	}
	other.Close()
	for hang := time.Now().Add(5 * time.Minute); conn.SessionID() == old; {
		if _, _, err := conn.Exists("/"); err != nil && time.Now().After(hang) {
			t.Fatal(err)
		}
	}
}

// await waits until an event has just these instances.
func await(t *testing.T, events <-chan sd.Event, instances ...string) {
	t.Helper()
	hang := time.After(5 * time.Minute)
	for {
		select {
		case event := <-events:
			if slices.Equal(event.Instances, instances) {
				return
			}
		case <-hang:
			t.Fatalf("the instances have never been %v", instances)
		}
	}
}
