// Command seed prints, line by line, what it sees of a ZooKeeper by the client that was
// go-zookeeper before: the server of its first argument, below the znode of its second, which it
// creates. The lines are the same in each run.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/samuel/go-zookeeper/zk"
)

func main() {
	server, root := os.Args[1], os.Args[2]
	zk.DefaultLogger = log.New(os.Stderr, "", 0)
	c, events, err := zk.Connect([]string{server}, 10*time.Second, zk.WithLogInfo(false))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for e := range events {
		fmt.Println("event:", e.Type, e.State)
		if e.State == zk.StateHasSession {
			break
		}
	}
	world := zk.WorldACL(zk.PermAll)
	path, err := c.Create(root, []byte("seed"), 0, world)
	fmt.Println("create:", strings.TrimPrefix(path, root), err)
	_, err = c.Create(root, nil, 0, world)
	fmt.Println("create again:", err, err == zk.ErrNodeExists)
	_, _, watch, err := c.ChildrenW(root)
	fmt.Println("children:", err)
	path, err = c.CreateProtectedEphemeralSequential(root+"/n-", nil, world)
	fmt.Println("protected:", strings.HasSuffix(path, "n-0000000000"), err)
	e := <-watch
	fmt.Println("watch:", e.Type, int32(e.State), strings.TrimPrefix(e.Path, root), e.Err)
	names, stat, err := c.Children(path)
	fmt.Printf("no children: %#v %d %v\n", names, stat.NumChildren, err)
	data, stat, err := c.Get(root)
	fmt.Printf("get: %q %d %d %v\n", data, stat.Version, stat.NumChildren, err)
	_, err = c.Set(root, nil, 7)
	fmt.Println("set:", err, errors.Is(err, zk.ErrBadVersion))
	responses, err := c.Multi(
		&zk.CreateRequest{Path: root + "/m", Acl: world, Flags: zk.FlagEphemeral},
		&zk.SetDataRequest{Path: root, Data: []byte("new"), Version: 0},
		&zk.CheckVersionRequest{Path: root, Version: 1},
		&zk.DeleteRequest{Path: root + "/m", Version: -1})
	for _, r := range responses {
		fmt.Println("multi:", strings.TrimPrefix(r.String, root), r.Stat != nil, r.Error)
	}
	fmt.Println("multi:", err)
	lock := zk.NewLock(c, root+"/lock", world)
	fmt.Println("lock:", lock.Lock(), lock.Lock(), lock.Unlock(), lock.Unlock())
	stats, _ := zk.FLWSrvr([]string{server}, 10*time.Second) // fails there over the dates of servers from 3.7 on
	var average int64 = stats[0].AvgLatency
	fmt.Println("srvr:", len(stats), average >= 0)
	ruok := zk.FLWRuok([]string{server}, 10*time.Second)
	fmt.Println("ruok:", ruok)
	names, _, err = c.Children(root)
	slices.Sort(names)
	for _, name := range names {
		fmt.Println("child:", name[strings.LastIndexByte(name, '-')+1:], err)
	}
}
