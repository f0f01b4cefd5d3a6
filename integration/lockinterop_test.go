package integration

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// lockJars are the recipes of other Java clients and what they need, by Debian's packages libzookeeper-java,
// libcurator-recipes-java and what these need.
var lockJars = []string{
	"zookeeper-recipes-lock", "zookeeper-jute", "zookeeper", "curator-recipes", "curator-framework", "curator-client",
	"guava", "slf4j-nop",
}

// javaPlayer compiles a player in Java and returns how to start it.
func javaPlayer(t *testing.T, source string) []string {
	t.Helper()
	dir := t.TempDir()
	path := []string{dir}
	for _, jar := range lockJars {
		path = append(path, "/usr/share/java/"+jar+".jar")
	}
	classpath := strings.Join(path, ":")
	command(t, ".", "javac", "-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC",
		"-cp", classpath, "-d", dir, source)
	return []string{"java", "-Xmx64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classpath,
		strings.TrimSuffix(filepath.Base(source), ".java")}
}

// pythonPlayer is how to start a player of testdata/locks that needs Debian's Python.
func pythonPlayer(script string) []string {
	return []string{"/usr/bin/python3", filepath.Join("testdata/locks", script)}
}

// A foreign lock is one of another client.
type foreign struct {
	name    string
	command []string
}

func foreigners(t *testing.T) []foreign {
	java, kazoo := javaPlayer(t, "testdata/locks/Contender.java"), pythonPlayer("contender.py")
	return []foreign{
		{"kazoo Lock", append(slices.Clone(kazoo), "lock")},
		{"kazoo WriteLock", append(slices.Clone(kazoo), "write")},
		{"WriteLock of ZooKeeper's recipes", append(slices.Clone(java), "recipe")},
		{"Curator InterProcessMutex", append(slices.Clone(java), "curator")},
	}
}

// player starts one on the shared server.
func (f foreign) player(t *testing.T, path string, j judge) *player {
	t.Helper()
	return play(t, f.name, append(slices.Clone(f.command), addr(shared.Servers[0]), path, string(j))...)
}

// contenders waits until n contend for the lock, whose znode may be missing when nobody does.
func contenders(t *testing.T, c *zk.Conn, path string, n int) {
	t.Helper()
	eventually(t, func() error {
		names, _, err := c.Children(path)
		if errors.Is(err, zk.ErrNoNode) {
			err = nil
		}
		if err == nil && len(zk.LockQueue(names)) != n {
			err = fmt.Errorf("%q contend, want %d", names, n)
		}
		return err
	})
}

func TestLocksOfOtherClientsExclude(t *testing.T) {
	t.Parallel()
	for _, f := range foreigners(t) {
		t.Run(f.name, func(t *testing.T) {
			c := connect(t, []string{addr(shared.Servers[0])})
			path := newRoot(t) + "/lock"
			j := newJudge(t)
			const rounds = 40
			theirs := f.player(t, path, j)
			theirs.do("lock")
			ours := zk.NewLock(c, path, zk.WorldACL(zk.PermAll))
			if err := ours.TryLock(); err != zk.ErrLockHeld {
				t.Fatalf("%s holds the lock, TryLock: %v", f.name, err)
			}
			if err := zk.NewReadLock(c, path, zk.WorldACL(zk.PermAll)).TryLock(); err != zk.ErrLockHeld {
				t.Fatalf("%s holds the lock, TryLock of a NewReadLock: %v", f.name, err)
			}
			theirs.do("unlock")
			theirs.start("count", rounds)
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() { countHolding(t, zk.NewLock(c, path, zk.WorldACL(zk.PermAll)), j, rounds) })
			}
			all.Wait()
			theirs.want("done")
			j.want(t, 3*rounds)
		})
	}
}

// countHolding counts n times, each time holding the lock.
func countHolding(t *testing.T, l *zk.Lock, j judge, n int) {
	for range n {
		if err := l.Lock(); err != nil {
			t.Error(err)
			return
		}
		if err := j.count(); err != nil {
			t.Error(err)
		}
		if err := l.Unlock(); err != nil {
			t.Error(err)
		}
	}
}

// First come, first served, whoever they are.
func TestOrderWithLocksOfOtherClients(t *testing.T) {
	t.Parallel()
	for _, f := range foreigners(t) {
		t.Run(f.name, func(t *testing.T) {
			c := connect(t, []string{addr(shared.Servers[0])})
			path := newRoot(t) + "/lock"
			j := newJudge(t)
			lock := func() *zk.Lock { return zk.NewLock(c, path, zk.WorldACL(zk.PermAll)) }
			first, third := lock(), lock()
			second, fourth := f.player(t, path, j), f.player(t, path, j)
			if err := first.Lock(); err != nil {
				t.Fatal(err)
			}
			second.start("lock")
			contenders(t, c, path, 2)
			held := make(chan error, 1)
			go func() { held <- third.Lock() }() // ends when the lock is held, at the latest with c
			contenders(t, c, path, 3)
			fourth.start("lock")
			contenders(t, c, path, 4)

			second.waits()
			if err := first.Unlock(); err != nil {
				t.Fatal(err)
			}
			second.want("done")
			fourth.waits()
			select {
			case err := <-held:
				t.Fatalf("lock, error %v, while %s holds it", err, f.name)
			default:
			}
			second.do("unlock")
			if err := <-held; err != nil {
				t.Fatal(err)
			}
			fourth.waits()
			if err := third.Unlock(); err != nil {
				t.Fatal(err)
			}
			fourth.want("done")
			fourth.do("unlock")
			contenders(t, c, path, 0)
		})
	}
}

// Readers of kazoo and of package zk hold the lock together, and writers of both exclude both.
func TestSharedLocksOfKazoo(t *testing.T) {
	t.Parallel()
	c := connect(t, []string{addr(shared.Servers[0])})
	path := newRoot(t) + "/lock"
	j := newJudge(t)
	acl := zk.WorldACL(zk.PermAll)
	kazoo := pythonPlayer("contender.py")
	reader := foreign{"kazoo ReadLock", append(slices.Clone(kazoo), "read")}.player(t, path, j)
	writer := foreign{"kazoo WriteLock", append(slices.Clone(kazoo), "write")}.player(t, path, j)
	ours, oursToo := zk.NewReadLock(c, path, acl), zk.NewReadLock(c, path, acl)

	reader.do("lock")
	if err := ours.TryLock(); err != nil {
		t.Fatalf("beside a reader of kazoo: %v", err)
	}
	if err := zk.NewLock(c, path, acl).TryLock(); err != zk.ErrLockHeld {
		t.Fatalf("a writer beside a reader of kazoo: %v", err)
	}
	reader.do("unlock")
	reader.do("lock") // beside ours, which came first
	writer.start("lock")
	contenders(t, c, path, 3)
	writer.waits()
	if err := oursToo.TryLock(); err != zk.ErrLockHeld {
		t.Fatalf("a reader behind a writer of kazoo: %v", err)
	}
	reader.do("unlock")
	writer.waits()
	if err := ours.Unlock(); err != nil {
		t.Fatal(err)
	}
	writer.want("done")
	writer.do("unlock")

	if err := zk.NewReadLock(c, path, acl).TryLock(); err != nil {
		t.Fatal(err)
	}
}
