package discovery_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/discovery"
	"github.com/zkfs/zkfs/zk/zktest"
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

	instance := discovery.Instance{Endpoint: discovery.Endpoint{Host: "10.0.0.1", Port: 8080}}
	r, err := discovery.Register(
		ctx, c, "/services/web", discovery.Curator, instance, zk.WorldACL(zk.PermAll))
	if err != nil {
		log.Fatal(err)
	}
	if err := r.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	web := discovery.Watch(ctx, c, "/services/web", discovery.Curator)
	defer web.Close()
	for instances := range web.Changes(ctx) {
		for _, i := range instances {
			fmt.Println(i.Host, i.Port)
		}
		break
	}
	// Output: 10.0.0.1 8080
}
