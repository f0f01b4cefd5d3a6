package zk_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/zkfs/zkfs/zk"
)

// The queue of a lock shows each contender, and what it says about itself.
func ExampleLockQueue() {
	c, done := open()
	defer done()
	const path = "/locks/report"
	for _, name := range []string{"alice", "bob"} {
		l := zk.NewReadLock(c, path, zk.WorldACL(zk.PermAll))
		if err := l.LockWithData([]byte(name)); err != nil {
			log.Fatal(err)
		}
		defer l.Unlock()
	}
	exclusive := zk.NewLock(c, path, zk.WorldACL(zk.PermAll))
	fmt.Println("exclusive:", errors.Is(exclusive.TryLock(), zk.ErrLockHeld))

	names, _, err := c.Children(path)
	if err != nil {
		log.Fatal(err)
	}
	for _, contender := range zk.LockQueue(names) {
		data, _, err := c.Get(path + "/" + contender.Name)
		fmt.Printf("%s, shared: %v, %v\n", data, contender.Shared, err)
	}
	// Output:
	// exclusive: true
	// alice, shared: true, <nil>
	// bob, shared: true, <nil>
}
