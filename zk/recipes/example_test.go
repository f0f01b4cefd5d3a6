package recipes_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/recipes"
	"github.com/zkfs/zkfs/zk/zktest"
)

var acl = zk.WorldACL(zk.PermAll)

// open connects to a server for an example. Programs name their own.
func open() (ctx context.Context, c *zk.Conn, done func()) {
	server := zktest.NewServer()
	c, _, err := zk.Connect([]string{server.Addr()}, 10*time.Second, zk.WithLogInfo(false))
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	return ctx, c, func() {
		cancel()
		c.Close()
		server.Close()
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A process that leads until its context ends hands fence to what it works on.
func ExampleElection_Lead() {
	ctx, c, done := open()
	defer done()

	e := recipes.NewElection(c, "/app/leader", []byte("host1:8080"), acl)
	err := e.Lead(ctx, func(ctx context.Context, fence int64) error {
		for leader, err := range recipes.Observe(ctx, c, "/app/leader") {
			must(err)
			fmt.Printf("%s leads, %v\n", leader.ID, leader.Fence == fence)
			break
		}
		return nil // the next candidate leads
	})
	fmt.Println(err)
	// Output:
	// host1:8080 leads, true
	// <nil>
}

func ExamplePersist() {
	ctx, c, done := open()
	defer done()

	p := recipes.Persist(ctx, c, "/app/live/host1", []byte("v1"), acl)
	must(p.Wait(ctx))
	must(p.Set(ctx, []byte("v2")))
	data, _, err := c.Get(p.Path())
	fmt.Printf("%s, %v\n", data, err)
	fmt.Println(p.Close(ctx))
	// Output:
	// v2, <nil>
	// <nil>
}

func ExampleJoin() {
	ctx, c, done := open()
	defer done()

	g := recipes.Join(ctx, c, "/app/workers", "host1", []byte("8 cores"), acl)
	must(g.Wait(ctx))
	for name, data := range g.Members() {
		fmt.Printf("%s: %s\n", name, data)
	}
	must(g.Leave(ctx))
	// Output: host1: 8 cores
}

func ExampleSemaphore() {
	ctx, c, done := open()
	defer done()

	s := recipes.NewSemaphore(c, "/app/downloads", 3, acl)
	lease, err := s.Acquire(ctx, []byte("host1"))
	must(err)
	select {
	case <-lease.Lost(): // stop
	default:
		fmt.Println("downloading")
	}
	must(lease.Release(ctx))
	// Output: downloading
}

func ExampleBarrier() {
	ctx, c, done := open()
	defer done()

	b := recipes.NewBarrier(c, "/app/maintenance", acl)
	must(b.Set(ctx))
	go b.Remove(ctx) // another process
	fmt.Println(b.Wait(ctx))
	// Output: <nil>
}

func ExampleDoubleBarrier() {
	ctx, c, done := open()
	defer done()

	b := recipes.NewDoubleBarrier(c, "/app/step1", 1, acl) // for more processes than this one, more
	must(b.Enter(ctx))
	fmt.Println("all work")
	must(b.Leave(ctx))
	fmt.Println("all are done")
	// Output:
	// all work
	// all are done
}

func ExampleQueue() {
	ctx, c, done := open()
	defer done()

	q := recipes.NewQueue(c, "/app/jobs", acl)
	must(q.Put(ctx, []byte("resize cat.png")))
	item, err := q.Take(ctx)
	must(err)
	fmt.Printf("%s\n", item.Data)
	must(item.Done(ctx)) // if this process dies before, another takes the item
	// Output: resize cat.png
}

func ExampleCounter() {
	ctx, c, done := open()
	defer done()

	k := recipes.NewCounter(c, "/app/builds", recipes.Decimal, acl)
	_, err := k.Add(ctx, 41)
	must(err)
	fmt.Println(k.Add(ctx, 1))
	// Output: 42 <nil>
}
