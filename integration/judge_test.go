package integration

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/proxy"
	"github.com/zkfs/zkfs/zk"
)

var (
	judgeTime = flag.Duration("judge.time", 10*time.Second, "how long TestJudge goes on")
	judgeSeed = flag.Uint64("judge.seed", 1, "seed of the faults of TestJudge")
)

// store is what a lock protects in TestJudge: a file that worker.py changes.
type store struct {
	N       int     `json:"n"`       // the number of changes
	Fence   int64   `json:"fence"`   // the largest fencing number seen
	Refused int     `json:"refused"` // how often a smaller one came
	Wrong   [][]int `json:"wrong"`   // changes of what the worker had not read: two held the lock at a time
}

func (s *store) read(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, s)
}

// bench is where TestJudge takes place: two mounts of one server, each with a way that can be cut, and workers on both.
type bench struct {
	*testing.T
	servers *zk.TestCluster
	ways    [2]*proxy.Proxy
	rand    *rand.Rand

	mu       sync.Mutex // guards the following
	mounts   [2]*mounted
	commands [2]*exec.Cmd // the running zkfs lock of each way
}

const benchTimeout = "--session-timeout=2s"

func newBench(t *testing.T) *bench {
	b := &bench{T: t, servers: cluster(t, 1, nil), rand: rand.New(rand.NewPCG(*judgeSeed, 0))}
	for i := range b.ways {
		b.ways[i] = newProxy(t, addr(b.servers.Servers[0]))
		b.mounts[i] = mount(t, b.ways[i].Addr(), benchTimeout)
	}
	return b
}

func (b *bench) mounted(i int) *mounted {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mounts[i]
}

// work runs a worker again and again on mount i, whatever that is at present.
func (b *bench) work(ctx context.Context, i int, path string) {
	for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		dir := b.mounted(i).dir
		if !isMounted(dir) {
			continue
		}
		cmd := exec.CommandContext(ctx, "/usr/bin/python3", "testdata/locks/worker.py", path, filepath.Join(dir, "x.lock"))
		out, _ := cmd.CombinedOutput() // it ends when something fails, at the latest with ctx
		b.Logf("worker on mount %d: %s", i, out)
	}
}

// command runs a worker again and again under zkfs lock.
func (b *bench) command(ctx context.Context, i int, zkfs, path string) {
	for ctx.Err() == nil {
		cmd := exec.Command(zkfs, "lock", benchTimeout, "--server", b.ways[i].Addr(), "/x.lock", "--", "/usr/bin/python3", "testdata/locks/worker.py", path)
		b.mu.Lock()
		err := cmd.Start()
		b.commands[i] = cmd
		b.mu.Unlock()
		if err != nil {
			b.Error(err)
			return
		}
		stop := context.AfterFunc(ctx, func() { cmd.Process.Signal(syscall.SIGTERM) })
		if err := cmd.Wait(); err != nil {
			b.Logf("zkfs lock on way %d: %v", i, err)
		}
		stop()
	}
}

// freeze stops a process for a while, at times for longer than its session lives.
func (b *bench) freeze(p *os.Process, length time.Duration) {
	p.Signal(syscall.SIGSTOP) // fails if it has just ended
	time.Sleep(length)
	p.Signal(syscall.SIGCONT)
}

// harm does something to one side.
func (b *bench) harm(i int) string {
	length := time.Duration(b.rand.Int64N(int64(4 * time.Second)))
	switch b.rand.IntN(6) {
	case 0:
		b.ways[i].Break()
		time.Sleep(length)
		b.ways[i].Mend()
		return fmt.Sprintf("way %d cut for %v", i, length)
	case 1:
		b.freeze(b.mounted(i).daemon.Process, length)
		return fmt.Sprintf("daemon %d frozen for %v", i, length)
	case 2:
		b.mu.Lock()
		cmd := b.commands[i]
		b.mu.Unlock()
		b.freeze(cmd.Process, length)
		return fmt.Sprintf("zkfs lock %d frozen for %v", i, length)
	case 3:
		b.mounted(i).kill(b.T)
		m := mount(b.T, b.ways[i].Addr(), benchTimeout)
		b.mu.Lock()
		b.mounts[i] = m
		b.mu.Unlock()
		return fmt.Sprintf("daemon %d killed", i)
	case 4:
		b.mu.Lock()
		cmd := b.commands[i]
		b.mu.Unlock()
		cmd.Process.Kill()
		return fmt.Sprintf("zkfs lock %d killed", i)
	}
	server := addr(b.servers.Servers[0])
	if err := b.servers.StopServer(server); err != nil {
		b.Fatal(err)
	}
	time.Sleep(length / 3)
	if err := b.servers.StartServer(server); err != nil {
		b.Fatal(err)
	}
	return fmt.Sprintf("server away for %v and its start", length/3)
}

// Two mounts and two zkfs lock work under one lock while daemons are killed and frozen, ways are cut and the server restarts. What
// the lock protects is never changed by two at a time: it refuses the fencing number of a holder that was frozen.
func TestJudge(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store")
	if err := os.WriteFile(path, []byte(`{"n": 0, "fence": 0, "refused": 0, "wrong": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	command, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	t.Cleanup(func() { cancel(); all.Wait() })
	for i := range b.ways {
		for range 2 {
			all.Go(func() { b.work(ctx, i, path) })
		}
		all.Go(func() { b.command(ctx, i, command, path) })
	}
	var before, after store
	time.Sleep(2 * time.Second)
	for end := time.Now().Add(*judgeTime); time.Now().Before(end); time.Sleep(time.Second) {
		what := b.harm(b.rand.IntN(2))
		if err := after.read(path); err == nil {
			t.Logf("%s: %+v", what, after)
		}
	}
	// All is well again: work goes on.
	if err := before.read(path); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if err := after.read(path); err != nil || after.N < before.N+20 {
			return fmt.Errorf("%+v, then %+v, error %v", before, after, err)
		}
		return nil
	})
	cancel()
	all.Wait()
	if err := after.read(path); err != nil || len(after.Wrong) > 0 {
		t.Errorf("%+v, error %v", after, err)
	}
	t.Logf("%+v", after)
}
