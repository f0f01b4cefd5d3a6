package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/zkfs/zkfs/internal/proxy"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/cache"
)

// A cache of a tree: zk/cache in this process, and Curator's CuratorCache in a JVM that takes
// orders. Each makes the changes that it measures through another client of the same process.

// cacher is one of the two.
type cacher interface {
	load() (time.Duration, error) // anew
	unload() error
	used() (int, error)                                   // bytes of the heap, after a collection
	change(path string, times int) (time.Duration, error) // from a Set to the listener, each
	forget() error                                        // the changes that were heard
	await(changes int) error                              // until that many were heard
}

// caches compares the two. Debian's packages of Curator must be installed.
func caches(r *report, s *server) error {
	if !r.only.MatchString("cache") {
		return nil
	}
	t := trees[1]
	if r.quick {
		t = trees[0]
	}
	if err := s.fill(t); err != nil {
		return err
	}
	way, err := proxy.New(s.addr)
	if err != nil {
		return err
	}
	defer way.Close()
	peer, err := startCurator(s.addr, way.Addr(), t.path())
	if err != nil {
		return err
	}
	defer peer.stop()
	ours, err := dialCache(s.addr, way.Addr(), t.path())
	if err != nil {
		return err
	}
	defer ours.stop()
	return compareCaches(r, s, t, way, peer, ours)
}

func compareCaches(r *report, s *server, t tree, way *proxy.Proxy, peer, ours cacher) error {
	both := func(name string, run func(cacher) (time.Duration, error)) error {
		return r.compare("cache "+t.name+": "+name,
			side{"CuratorCache", func() (time.Duration, error) { return run(peer) }},
			side{"OfTree", func() (time.Duration, error) { return run(ours) }})
	}
	for _, side := range []struct {
		name string
		cacher
	}{{"CuratorCache", peer}, {"OfTree", ours}} {
		if err := printMemory(side.name, side.cacher, t); err != nil {
			return err
		}
	}
	if err := both("load", cacher.load); err != nil {
		return err
	}
	for _, c := range []cacher{peer, ours} {
		if _, err := c.load(); err != nil {
			return err
		}
	}
	err := both("a change until the listener", func(c cacher) (time.Duration, error) {
		return c.change(leaf(t, 0), 300)
	})
	if err != nil {
		return err
	}
	return both("reconnect, a tenth changed", func(c cacher) (time.Duration, error) {
		return reconnect(s, t, way, c)
	})
}

// printMemory prints what a znode takes in a cache, by what is free again without it.
func printMemory(name string, c cacher, t tree) error {
	if _, err := c.load(); err != nil {
		return err
	}
	with, err := c.used()
	without, err2 := 0, c.unload()
	if err = errors.Join(err, err2); err == nil {
		without, err = c.used()
	}
	fmt.Printf("%-44s %d bytes of the heap per znode\n",
		"cache "+t.name+": "+name, (with-without)/t.size())
	return err
}

// leaf returns the path of a leaf.
func leaf(t tree, n int) string {
	path := t.path()
	for level := range t.fanout {
		size := 1
		for _, children := range t.fanout[level+1:] {
			size *= children
		}
		path += "/" + childName(t.fanout[level:], n/size%t.fanout[level])
	}
	return path
}

// reconnect returns how long it takes from the end of an outage until a cache has told all changes
// that were made during it.
func reconnect(s *server, t tree, way *proxy.Proxy, c cacher) (time.Duration, error) {
	other, err := dialOurs(s.addr)
	if err != nil {
		return 0, err
	}
	defer other.Close()
	if err := c.forget(); err != nil {
		return 0, err
	}
	way.Break()
	n := t.size() / 10
	ops := make([]any, n)
	for i := range ops {
		ops[i] = &zk.SetDataRequest{Path: leaf(t, i*10), Data: make([]byte, dataSize), Version: -1}
	}
	for _, result := range other.Pipeline(ops...) {
		err = errors.Join(err, result.Err)
	}
	start := time.Now()
	way.Mend()
	err = errors.Join(err, c.await(n))
	return time.Since(start), err
}

// ownCache is zk/cache.
type ownCache struct {
	conn, other *zk.Conn
	path        string
	cache       *cache.Cache
	changed     chan string
	stopLoop    context.CancelFunc
}

func dialCache(server, way, path string) (*ownCache, error) {
	conn, err := dialOurs(way)
	if err != nil {
		return nil, err
	}
	other, err := dialOurs(server)
	return &ownCache{conn: conn, other: other, path: path, changed: make(chan string, 1<<20)}, err
}

func (o *ownCache) load() (time.Duration, error) {
	o.unload()
	ctx, cancel := context.WithCancel(context.Background())
	o.stopLoop = cancel
	start := time.Now()
	o.cache = cache.OfTree(ctx, o.conn, o.path)
	loaded := make(chan struct{})
	go func() { // ends with ctx
		for change := range o.cache.Changes(ctx) {
			switch change.Kind {
			case cache.Loaded:
				close(loaded)
			case cache.Changed:
				o.changed <- change.Path
			}
		}
	}()
	<-loaded
	return time.Since(start), nil
}

func (o *ownCache) unload() error {
	if o.cache != nil {
		o.stopLoop()
		o.cache.Close()
		o.cache = nil
	}
	return nil
}

func (o *ownCache) stop() {
	o.unload()
	o.conn.Close()
	o.other.Close()
}

func (o *ownCache) used() (int, error) {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc), nil
}

func (o *ownCache) change(path string, times int) (time.Duration, error) {
	start := time.Now()
	for range times {
		if _, err := o.other.Set(path, make([]byte, dataSize), -1); err != nil {
			return 0, err
		}
		<-o.changed
	}
	return time.Since(start) / time.Duration(times), nil
}

func (o *ownCache) forget() error {
	for len(o.changed) > 0 {
		<-o.changed
	}
	return nil
}

func (o *ownCache) await(changes int) error {
	for range changes {
		<-o.changed
	}
	return nil
}

// curator is a JVM with a CuratorCache.
type curator struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Scanner
	folder  string // of the class
}

// curatorJars are what Debian's packages libzookeeper-java and libcurator-recipes-java bring.
var curatorJars = []string{
	"zookeeper-jute", "zookeeper", "curator-recipes", "curator-framework", "curator-client",
	"guava", "slf4j-nop",
}

func startCurator(server, way, path string) (*curator, error) {
	folder, err := os.MkdirTemp("", "zkfs-bench-")
	if err != nil {
		return nil, err
	}
	classpath := []string{folder}
	for _, jar := range curatorJars {
		classpath = append(classpath, filepath.Join("/usr/share/java", jar+".jar"))
	}
	cp := strings.Join(classpath, ":")
	compile := exec.Command("javac", "-cp", cp, "-d", folder, "testdata/Caches.java")
	out, err := compile.CombinedOutput()
	if err != nil {
		os.RemoveAll(folder)
		return nil, fmt.Errorf("javac: %w: %s", err, out)
	}
	args := []string{"-Xmx1g", "-XX:+UseParallelGC", "-cp", cp, "Caches", server, way, path}
	c := &curator{cmd: exec.Command("java", args...)}
	c.folder, c.cmd.Stderr = folder, os.Stderr
	c.in, err = c.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	pipe, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.answers = bufio.NewScanner(pipe)
	return c, c.cmd.Start()
}

func (c *curator) stop() {
	c.in.Close()
	c.cmd.Wait()
	os.RemoveAll(c.folder)
}

// order gives an order and returns the answer.
func (c *curator) order(words ...any) (int, error) {
	if _, err := fmt.Fprintln(c.in, words...); err != nil {
		return 0, err
	}
	if !c.answers.Scan() {
		return 0, errors.Join(errors.New("the JVM of Curator has ended"), c.answers.Err())
	}
	return strconv.Atoi(c.answers.Text())
}

func (c *curator) load() (time.Duration, error) {
	ns, err := c.order("load")
	return time.Duration(ns), err
}

func (c *curator) unload() error {
	_, err := c.order("unload")
	return err
}

func (c *curator) used() (int, error) { return c.order("used") }

func (c *curator) change(path string, times int) (time.Duration, error) {
	ns, err := c.order("change", path, times)
	return time.Duration(ns), err
}

func (c *curator) forget() error {
	_, err := c.order("forget")
	return err
}

func (c *curator) await(changes int) error {
	_, err := c.order("await", changes)
	return err
}
