package main

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
)

var (
	world = zk.WorldACL(zk.PermAll)
	digit = regexp.MustCompile(`[0-9]`)
	guid  = regexp.MustCompile(`[0-9a-f]{32}`)
)

// below is the path without the root; what is random or counted has other characters in its place.
func below(root, path string) string {
	path = strings.TrimPrefix(path, root)
	return digit.ReplaceAllString(guid.ReplaceAllString(path, "GUID"), "9")
}

// nodes creates, reads, writes and deletes.
func nodes(c *zk.Conn, root string) {
	path, err := c.Create(root+"/a", []byte("1"), 0, world)
	fmt.Println("create:", below(root, path), name(err))
	path, err = c.Create(root+"/a", nil, 0, world)
	fmt.Printf("create again: %q %s\n", path, name(err))
	path, err = c.Create(root+"/none/b", nil, 0, world)
	fmt.Printf("create without a parent: %q %s\n", path, name(err))
	path, err = c.Create(root+"/s-", nil, zk.FlagSequence, world)
	fmt.Println("sequential:", below(root, path), name(err))
	path, err = c.Create(root+"/", nil, zk.FlagEphemeral|zk.FlagSequence, world)
	fmt.Println("a name of digits:", below(root, path), name(err))
	must(c.Create(root+"/e", nil, zk.FlagEphemeral, world))
	_, err = c.Create(root+"/e/x", nil, 0, world)
	fmt.Println("child of an ephemeral:", name(err))
	_, err = c.Create(root+"/x", nil, 0, []zk.ACL{})
	fmt.Println("no ACL:", name(err))
	_, err = c.Create(root+"/x", nil, zk.FlagTTL, world)
	fmt.Println("TTL without a time:", name(err))
	path, err = c.CreateContainer(root+"/c", nil, zk.FlagContainer, world)
	fmt.Println("container:", below(root, path), name(err))
	_, err = c.CreateContainer(root+"/x", nil, zk.FlagEphemeral, world)
	fmt.Println("container that is ephemeral:", name(err))
	path, err = c.CreateTTL(root+"/t-", nil, zk.FlagPersistentSequentialWithTTL, world, time.Hour)
	fmt.Println("TTL:", below(root, path), name(err))
	_, err = c.CreateTTL(root+"/x", nil, zk.FlagEphemeral, world, time.Hour)
	fmt.Println("TTL that is ephemeral:", name(err))
	path, err = c.CreateProtectedEphemeralSequential(root+"/p-", nil, world)
	fmt.Println("protected:", below(root, path), name(err))

	read(c, root)
	write(c, root)
}

func read(c *zk.Conn, root string) {
	found, stat, err := c.Exists(root + "/none")
	fmt.Println("missing:", found, *stat, name(err))
	found, stat, err = c.Exists(root + "/e")
	fmt.Println("ephemeral:", found, stat.EphemeralOwner == c.SessionID(), name(err))
	data, stat, err := c.Get(root + "/a")
	fmt.Printf("get: %q %d %d %s\n", data, stat.Version, stat.DataLength, name(err))
	data, stat, err = c.Get(root + "/none")
	fmt.Println("get what is missing:", data == nil, *stat, name(err))
	for _, value := range [][]byte{nil, {}} {
		_, err := c.Set(root+"/a", value, -1)
		check(err)
		data, _, err := c.Get(root + "/a")
		fmt.Println("null or empty:", value == nil, data == nil, len(data), name(err))
	}
	names, stat, err := c.Children(root)
	for i := range names {
		names[i] = below(root, names[i])
	}
	sort.Strings(names)
	fmt.Println("children:", names, int(stat.NumChildren) == len(names), name(err))
	names, stat, err = c.Children(root + "/none")
	fmt.Println("children of what is missing:", len(names), *stat, name(err))
	for _, path := range []string{"", "a", root + "/a/", root + "//a", root + "/.", root + "/../a", root + "/\x00"} {
		_, _, err := c.Get(path)
		fmt.Println("invalid path:", name(err))
	}
	path, err := c.Sync(root + "/a")
	fmt.Println("sync:", below(root, path), name(err))
}

func write(c *zk.Conn, root string) {
	stat, err := c.Set(root+"/a", []byte("new"), 2)
	fmt.Println("set:", stat.Version, stat.DataLength, name(err))
	stat, err = c.Set(root+"/a", nil, 1)
	fmt.Println("set an old version:", *stat, name(err))
	stat, err = c.Set(root+"/none", nil, -1)
	fmt.Println("set what is missing:", *stat, name(err))
	must(c.Create(root+"/a/b", nil, 0, world))
	fmt.Println("delete what has children:", name(c.Delete(root+"/a", -1)))
	fmt.Println("delete an old version:", name(c.Delete(root+"/a/b", 7)))
	fmt.Println("delete:", name(c.Delete(root+"/a/b", 0)))
	fmt.Println("delete what is missing:", name(c.Delete(root+"/a/b", 0)))
}

// multi does transactions.
func multi(c *zk.Conn, root string) {
	results, err := c.Multi(
		&zk.CreateRequest{Path: root + "/m", Data: []byte("x"), Acl: world, Flags: 0},
		&zk.SetDataRequest{Path: root + "/m", Data: []byte("y"), Version: 0},
		&zk.CheckVersionRequest{Path: root + "/m", Version: 1},
		&zk.CreateRequest{root + "/m/s-", nil, world, zk.FlagSequence},
		&zk.DeleteRequest{root + "/s-0000000001", -1},
	)
	fmt.Println("multi:", len(results), name(err))
	for _, r := range results {
		if r.Stat != nil {
			fmt.Println("  version", r.Stat.Version)
		} else {
			fmt.Println(" ", below(root, r.String), name(r.Error))
		}
	}
	results, err = c.Multi(
		&zk.CheckVersionRequest{Path: root + "/m", Version: 7},
		&zk.DeleteRequest{Path: root + "/m", Version: -1},
	)
	fmt.Println("multi that fails:", len(results), name(results[0].Error), name(err))
	_, err = c.Multi("create")
	fmt.Println("no operation:", err != nil)
	results, err = c.Multi()
	fmt.Println("nothing:", len(results), name(err))
}

// acls sets and reads ACLs, and authenticates.
func acls(c *zk.Conn, server, root string) {
	path := root + "/acl"
	must(c.Create(path, nil, 0, world))
	fmt.Println("authenticate:", name(c.AddAuth("digest", []byte("bob:secret"))))
	acl, stat, err := c.GetACL(path)
	fmt.Println("ACL:", acl, stat.Aversion, name(err))
	stat, err = c.SetACL(path, zk.DigestACL(zk.PermAll, "bob", "secret"), 0)
	fmt.Println("set ACL:", stat.Aversion, name(err))
	_, err = c.SetACL(path, world, 0)
	fmt.Println("set an old ACL:", name(err))
	_, err = c.SetACL(path, []zk.ACL{{zk.PermAll, "nosuch", "x"}}, -1)
	fmt.Println("invalid ACL:", name(err))
	_, _, err = c.GetACL(root + "/none")
	fmt.Println("ACL of what is missing:", name(err))
	must(c.Create(root+"/auth", nil, 0, zk.AuthACL(zk.PermRead|zk.PermDelete)))
	acl, _, err = c.GetACL(root + "/auth")
	fmt.Println("ACL of its owner:", acl, name(err))

	stranger := other(server)
	defer stranger.Close()
	_, _, err = stranger.Get(path)
	fmt.Println("a stranger reads:", name(err))
	_, err = stranger.Set(path, nil, -1)
	fmt.Println("a stranger writes:", name(err))
}
