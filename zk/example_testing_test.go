package zk_test

import (
	"fmt"
	"log"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// leader is a function that a program wants to test: it returns the leader's name, also after the
// connection was lost.
func leader(c *zk.Conn) (string, error) {
	for {
		data, _, err := c.Get("/leader")
		if err != zk.ErrConnectionClosed {
			return string(data), err
		}
	}
}

// A test has a server of its own in its process, and makes it fail as servers do.
func Example_testing() {
	server := zktest.NewServer()
	defer server.Close()
	c, _, err := zk.Connect([]string{"any"}, 10*time.Second,
		zk.WithDialer(server.Dialer()), zk.WithLogger(silence{}))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	c.Create("/leader", []byte("alice"), 0, zk.WorldACL(zk.PermAll))

	asked := 0
	server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.Op != "getData" {
			return zktest.Fault{}
		}
		asked++
		return zktest.Fault{Lose: asked == 1}
	})
	name, err := leader(c)
	fmt.Println(name, err, "asked", asked, "times")
	// Output: alice <nil> asked 2 times
}
