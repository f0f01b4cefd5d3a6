package zktest_test

import (
	"fmt"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

func Example() {
	server := zktest.NewServer()
	defer server.Close()

	conn, _, err := zk.Connect([]string{server.Addr()}, 10*time.Second)
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	path, err := conn.Create("/greeting", []byte("hello"), 0, zk.WorldACL(zk.PermAll))
	fmt.Println(path, err)
	data, stat, err := conn.Get("/greeting")
	fmt.Println(string(data), stat.Version, err)
	// Output:
	// /greeting <nil>
	// hello 0 <nil>
}

// A reply that is lost is the case that most programs get wrong: the change was made, and the client does not know.
func ExampleServer_OnRequest() {
	server := zktest.NewServer()
	defer server.Close()
	server.OnRequest(func(r zktest.Request) zktest.Fault {
		return zktest.Fault{Lose: r.Op == "create" && r.Path == "/order"}
	})

	conn, _, err := zk.Connect([]string{server.Addr()}, 10*time.Second, zk.WithLogInfo(false))
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	_, err = conn.Create("/order", nil, 0, zk.WorldACL(zk.PermAll))
	fmt.Println(err, zk.MaybeApplied(err))
	found, _, err := conn.Exists("/order")
	fmt.Println(found, err)
	// Output:
	// zk: connection closed true
	// true <nil>
}
