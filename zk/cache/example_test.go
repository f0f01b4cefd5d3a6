package cache_test

import (
	"context"
	"fmt"
	"io/fs"
	"log"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/cache"
	"github.com/zkfs/zkfs/zk/zktest"
)

// open connects to a server for an example. Programs name their own.
func open() (ctx context.Context, c *zk.Conn, done func()) {
	server := zktest.NewServer()
	c, _, err := zk.Connect([]string{server.Addr()}, 10*time.Second, zk.WithLogInfo(false))
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	for _, op := range []struct{ path, data string }{{"/app", ""}, {"/app/port", "80"}} {
		if _, err := c.Create(op.path, []byte(op.data), 0, zk.WorldACL(zk.PermAll)); err != nil {
			log.Fatal(err)
		}
	}
	return ctx, c, func() {
		cancel()
		c.Close()
		server.Close()
	}
}

func ExampleOfTree() {
	ctx, c, done := open()
	defer done()

	app := cache.OfTree(ctx, c, "/app")
	defer app.Close()
	if err := app.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	port, stat, err := app.Get("/app/port")
	fmt.Printf("%s, version %d, %v\n", port, stat.Version, err)

	c.Set("/app/port", []byte("8080"), -1)
	if err := app.Sync(ctx); err != nil { // or wait for the change
		log.Fatal(err)
	}
	port, _, _ = app.Get("/app/port")
	fmt.Printf("%s\n", port)
	// Output:
	// 80, version 0, <nil>
	// 8080
}

func ExampleCache_Changes() {
	ctx, c, done := open()
	defer done()

	app := cache.OfTree(ctx, c, "/app")
	defer app.Close()
	for change := range app.Changes(ctx) {
		switch change.Kind {
		case cache.Created, cache.Changed:
			fmt.Printf("%s is %q\n", change.Path, change.Data)
		case cache.Loaded:
			c.Delete("/app/port", -1) // another client
		case cache.Deleted:
			fmt.Println(change.Path, "is gone")
			return
		}
	}
	// Output:
	// /app is ""
	// /app/port is "80"
	// /app/port is gone
}

func ExampleCache_FS() {
	ctx, c, done := open()
	defer done()

	app := cache.OfTree(ctx, c, "/app")
	defer app.Close()
	if err := app.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	port, err := fs.ReadFile(app.FS(), "port")
	fmt.Printf("%s, %v\n", port, err)
	// Output: 80, <nil>
}
