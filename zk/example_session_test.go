package zk_test

import (
	"fmt"
	"log"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A member of a group is an ephemeral znode, which ends with its session. So the member creates it
// again in each session that follows: on StateHasSession, if the id of the session is another one.
func Example_session() {
	server := zktest.NewServer()
	defer server.Close()
	c, events, err := zk.Connect([]string{server.Addr()}, 10*time.Second, zk.WithLogger(silence{}))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	var joined int64 // the session in which the znode was created
	for e := range events {
		switch {
		case e.State == zk.StateExpired:
			fmt.Println("expired: the znode is gone")
		case e.State == zk.StateHasSession && c.SessionID() != joined:
			_, err := c.Create("/member", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println("joined")
			if joined != 0 {
				return
			}
			joined = c.SessionID()
			server.ExpireSession(joined) // as after an outage that was too long
		}
	}
	// Output:
	// joined
	// expired: the znode is gone
	// joined
}

// A client that takes read-only servers goes on reading while the ensemble has lost its quorum.
func ExampleWithReadOnly() {
	server := zktest.NewServer()
	defer server.Close()
	server.SetReadOnly(true) // as one with readonlymode.enabled that has lost its quorum
	c, events, err := zk.Connect([]string{server.Addr()}, 10*time.Second,
		zk.WithReadOnly(), zk.WithLogger(silence{}))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for e := range events {
		if e.State == zk.StateConnectedReadOnly {
			fmt.Println(e.State)
			break
		}
	}
	names, _, err := c.Children("/")
	fmt.Println(names, err)
	_, err = c.Set("/", []byte("new"), -1)
	fmt.Println(err)
	// Output:
	// StateConnectedReadOnly
	// [zookeeper] <nil>
	// zk: server is read-only
}
