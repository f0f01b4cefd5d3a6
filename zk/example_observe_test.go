package zk_test

import (
	"fmt"
	"log"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A hook sees each call with its duration, for a histogram or a log of the slow ones.
func ExampleWithRequestHook() {
	server := zktest.NewServer()
	defer server.Close()
	c, _, err := zk.Connect([]string{server.Addr()}, 10*time.Second, zk.WithLogger(silence{}),
		zk.WithRequestHook(func(r zk.RequestInfo) {
			fmt.Printf("%s, took time: %v, error: %v\n", r.Op, r.Duration > 0, r.Err)
		}))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	c.Create("/a", []byte("x"), 0, zk.WorldACL(zk.PermAll))
	c.Get("/b")
	// Output:
	// create, took time: true, error: <nil>
	// getData, took time: true, error: zk: node does not exist
}
