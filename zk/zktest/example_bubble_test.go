package zktest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A test in a bubble of testing/synctest: a session that takes half a minute to expire does so at once.
func Example_bubble() {
	// func TestMemberLeaves(t *testing.T) { synctest.Test(t, memberLeaves) }
	_ = synctest.Test
	_ = memberLeaves
}

func memberLeaves(t *testing.T) {
	server := zktest.NewServer()
	defer server.Close()
	dial := func() *zk.Conn {
		conn, _, err := zk.Connect([]string{"any"}, 30*time.Second, zk.WithDialer(server.Dialer()))
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	member, observer := dial(), dial()
	defer member.Close()
	defer observer.Close()

	if _, err := member.Create("/member", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	_, _, events, err := observer.ExistsW("/member")
	if err != nil {
		t.Fatal(err)
	}
	id := member.SessionID()
	server.OnRequest(func(r zktest.Request) zktest.Fault {
		return zktest.Fault{Stall: r.SessionID == id} // its network is dead
	})
	if event := <-events; event.Type != zk.EventNodeDeleted {
		t.Errorf("event %v", event.Type)
	}
}
