package znode_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
	"github.com/zkfs/zkfs/zk/znode"
)

func Example() {
	server := zktest.NewServer() // a real program names its servers
	defer server.Close()
	c, _, err := zk.Connect([]string{server.Addr()}, 10*time.Second, zk.WithLogInfo(false))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	acl := zk.WorldACL(zk.PermAll)
	err = znode.CreateAll(ctx, c, "/app/config/port", []byte("80"), zk.FlagPersistent, acl)
	if err != nil {
		log.Fatal(err)
	}
	for n, err := range znode.Walk(ctx, c, "/app") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(n.Path, n.Stat.DataLength)
	}
	if err := znode.DeleteAll(ctx, c, "/app"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(znode.Wait(ctx, c, "/app", znode.Missing))
	// Output:
	// /app 0
	// /app/config 0
	// /app/config/port 2
	// <nil>
}
