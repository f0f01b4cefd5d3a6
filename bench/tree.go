package main

import (
	"fmt"
	"os"
	"slices"
	"sync"

	peer "github.com/go-zookeeper/zk"

	"github.com/zkfs/zkfs/zk"
)

// dataSize is how many bytes a leaf holds.
const dataSize = 100

// The tree that the clients read.
const (
	treePath = "/10k"
	treeSize = 1 + 100 + 100*100
)

// tree is the shape of a tree: how many children a node has, level by level. Only the leaves have data.
type tree struct {
	name   string
	fanout []int
}

var trees = []tree{
	{"10k", []int{100, 100}},
	{"100k", []int{10, 100, 100}},
	{"flat", []int{10000}},
}

// noTree is an empty one, to be written to.
var noTree = tree{name: "none"}

func treeOf(name string) tree {
	if name == noTree.name {
		return noTree
	}
	return trees[slices.IndexFunc(trees, func(t tree) bool { return t.name == name })]
}

// path is where the tree is in ZooKeeper.
func (t tree) path() string { return "/" + t.name }

// size returns how many leaves it has.
func (t tree) size() int {
	n := 1
	for _, children := range t.fanout {
		n *= children
	}
	return n
}

// childName returns the name of a child at the level that fanout begins with.
func childName(fanout []int, i int) string {
	if len(fanout) == 1 {
		return fmt.Sprintf("f%05d", i)
	}
	return fmt.Sprintf("d%03d", i)
}

// server is a real ZooKeeper server with the tree in it.
type server struct {
	cluster *zk.TestCluster
	addr    string
}

// startServer starts a server with the lines in its configuration.
func startServer(lines ...string) (*server, error) {
	ts, err := zk.StartTestClusterFunc(1, func(_ int, config *zk.ServerConfig, srv *zk.Server) {
		config.Extra = append(config.Extra, lines...)
		srv.JVMFlags = []string{"-Xms1g", "-Xmx1g", "-XX:+UseParallelGC"}
	})
	if err != nil {
		return nil, err
	}
	s := &server{ts, fmt.Sprintf("127.0.0.1:%d", ts.Servers[0].Port)}
	if err := s.fill(trees[0]); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) stop() {
	if err := s.cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

// fill makes a tree, unless it is there.
func (s *server) fill(t tree) error {
	c, err := dialOurs(s.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if there, _, err := c.Exists(t.path()); there || err != nil {
		return err
	}
	ops := []any{&zk.CreateRequest{Path: t.path(), Acl: openACL}}
	var grow func(path string, fanout []int)
	grow = func(path string, fanout []int) {
		for i := range fanout[0] {
			create := &zk.CreateRequest{Path: path + "/" + childName(fanout, i), Acl: openACL}
			ops = append(ops, create)
			if len(fanout) == 1 {
				create.Data = make([]byte, dataSize)
			} else {
				grow(create.Path, fanout[1:])
			}
		}
	}
	grow(t.path(), t.fanout)
	for _, r := range c.Pipeline(ops...) {
		if r.Err != nil {
			return r.Err
		}
	}
	return nil
}

var openACL = zk.WorldACL(zk.PermAll)

// walkSequential reads the data and the children of every znode, one request at a time.
func walkSequential(c *peer.Conn, path string) error {
	if _, _, err := c.Get(path); err != nil {
		return err
	}
	names, _, err := c.Children(path)
	for _, name := range names {
		if err == nil {
			err = walkSequential(c, path+"/"+name)
		}
	}
	return err
}

// walkPeer reads the data of every znode, the fastest way that go-zookeeper offers: Get, and Children where the Stat tells of some.
func walkPeer(c *peer.Conn, root string) error {
	slots := make(chan struct{}, 64)
	errs := make(chan error, 1)
	var all sync.WaitGroup
	var visit func(path string)
	visit = func(path string) {
		defer all.Done()
		slots <- struct{}{}
		_, stat, err := c.Get(path)
		var names []string
		if err == nil && stat.NumChildren > 0 {
			names, _, err = c.Children(path)
		}
		<-slots
		if err != nil {
			select {
			case errs <- err:
			default:
			}
		}
		for _, name := range names {
			all.Add(1)
			go visit(path + "/" + name)
		}
	}
	all.Add(1)
	go visit(root)
	all.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// warm lets the server answer about a million znodes of a tree. It then has compiled the code for that; else its compiler would want a
// processor while the first rounds are measured, of either side.
func (s *server) warm(t tree) error {
	c, err := dialOurs(s.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for range 1000000 / t.size() {
		if err := walkOurs(c, t.path()); err != nil {
			return err
		}
	}
	return nil
}

// walkOurs reads the data of every znode a level at a time, many in each request.
func walkOurs(c *zk.Conn, root string) error {
	for level := []string{root}; len(level) > 0; {
		var next []string
		for from := 0; from < len(level); from += 1000 {
			batch := level[from:min(from+1000, len(level))]
			var gets, lists []any
			for _, path := range batch {
				gets = append(gets, &zk.GetDataRequest{Path: path})
			}
			found, err := c.MultiRead(gets...)
			if err != nil {
				return err
			}
			var parents []string
			for i, r := range found {
				if r.Err != nil {
					return r.Err
				}
				if r.Stat.NumChildren > 0 {
					parents = append(parents, batch[i])
					lists = append(lists, &zk.GetChildrenRequest{Path: batch[i]})
				}
			}
			if len(lists) == 0 {
				continue
			}
			children, err := c.MultiRead(lists...)
			if err != nil {
				return err
			}
			for i, r := range children {
				if r.Err != nil {
					return r.Err
				}
				for _, name := range r.Children {
					next = append(next, parents[i]+"/"+name)
				}
			}
		}
		level = next
	}
	return nil
}
