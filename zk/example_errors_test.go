package zk_test

import (
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// The reply to a write is lost. The program asks what became of the write before it sends it again:
// the version tells, because each set makes the next one.
func ExampleMaybeApplied() {
	server := zktest.NewServer()
	defer server.Close()
	lose := true
	server.OnRequest(func(r zktest.Request) zktest.Fault {
		fault := zktest.Fault{Lose: lose && r.Op == "setData"}
		lose = lose && !fault.Lose
		return fault
	})
	c, _, err := zk.Connect([]string{server.Addr()}, 10*time.Second, zk.WithLogger(silence{}))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Create("/config", []byte("old"), 0, zk.WorldACL(zk.PermAll)); err != nil {
		log.Fatal(err)
	}

	_, base, err := c.Get("/config")
	if err != nil {
		log.Fatal(err)
	}
	_, err = c.Set("/config", []byte("new"), base.Version)
	switch {
	case err == nil:
	case errors.Is(err, zk.ErrBadVersion):
		log.Fatal("another client was first: read again, and decide again")
	case zk.MaybeApplied(err):
		fmt.Println(err)
		c.Sync("/config") // the next server may lag behind the one that applied the set
		data, stat, err := c.Get("/config")
		fmt.Printf("version %d became %d, with %q, %v\n", base.Version, stat.Version, data, err)
	default:
		log.Fatal(err) // nothing has changed
	}
	// Output:
	// zk: connection closed
	// version 0 became 1, with "new", <nil>
}
