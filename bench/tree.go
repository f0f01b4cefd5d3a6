package main

import (
	"fmt"
	"os"
	"sync"

	peer "github.com/go-zookeeper/zk"

	"github.com/zkfs/zkfs/zk"
)

// The tree: znodes of 100 bytes, a hundred in each directory.
const (
	treePath = "/tree"
	treeDirs = 100
	treeSize = 1 + treeDirs + treeDirs*100
)

// server is a real ZooKeeper server with the tree in it.
type server struct {
	cluster *zk.TestCluster
	addr    string
}

func startServer() (*server, error) {
	ts, err := zk.StartTestClusterFunc(1, func(_ int, _ *zk.ServerConfig, srv *zk.Server) {
		srv.JVMFlags = []string{"-Xms1g", "-Xmx1g", "-XX:+UseParallelGC"}
	})
	if err != nil {
		return nil, err
	}
	s := &server{ts, fmt.Sprintf("127.0.0.1:%d", ts.Servers[0].Port)}
	if err := s.fill(); err != nil {
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

func (s *server) fill() error {
	c, err := dialOurs(s.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	acl := zk.WorldACL(zk.PermAll)
	ops := []any{&zk.CreateRequest{Path: treePath, Acl: acl}}
	for d := range treeDirs {
		ops = append(ops, &zk.CreateRequest{Path: fmt.Sprintf("%s/d%03d", treePath, d), Acl: acl})
		for f := range 100 {
			ops = append(ops, &zk.CreateRequest{Path: fmt.Sprintf("%s/d%03d/f%05d", treePath, d, f), Data: make([]byte, 100), Acl: acl})
		}
	}
	for _, r := range c.Pipeline(ops...) {
		if r.Err != nil {
			return r.Err
		}
	}
	return nil
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
