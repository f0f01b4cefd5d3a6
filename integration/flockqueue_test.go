package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/zk"
)

// Shell users on two mounts, package zk and each other client exclude each other.
func TestFlockExcludesOtherClients(t *testing.T) {
	t.Parallel()
	for _, f := range foreigners(t) {
		t.Run(f.name, func(t *testing.T) {
			const rounds = 20
			a, b, c := mountTwice(t)
			j := newJudge(t)
			players := []*player{
				play(t, f.name, append(slices.Clone(f.command), a.source, "/x.lock", string(j))...),
				a.flocker(t, "flock", "x.lock", j), b.flocker(t, "lockf", "x.lock", j),
			}
			for _, p := range players {
				p.start("count", rounds)
			}
			countHolding(t, zk.NewLock(c, "/x.lock", zk.WorldACL(zk.PermAll)), j, rounds)
			for _, p := range players {
				p.want("done")
			}
			j.want(t, (len(players)+1)*rounds)
		})
	}
}

// Those who look hold the lock together, those who count hold it alone.
func TestFlockSharesWithOtherClients(t *testing.T) {
	t.Parallel()
	const rounds = 20
	a, b, c := mountTwice(t)
	acl := zk.WorldACL(zk.PermAll)
	j := newJudge(t)
	kazoo := play(t, "kazoo ReadLock", append(pythonPlayer("contender.py"), "read", a.source, "/x.lock", string(j))...)
	flock, lockf := a.flocker(t, "flock-shared", "x.lock", j), b.flocker(t, "lockf-shared", "x.lock", j)
	ours := zk.NewReadLock(c, "/x.lock", acl)
	for _, p := range []*player{kazoo, flock, lockf} {
		p.do("lock")
	}
	if err := ours.TryLock(); err != nil {
		t.Fatal(err)
	}
	if err := zk.NewLock(c, "/x.lock", acl).TryLock(); !errors.Is(err, zk.ErrLockHeld) {
		t.Fatalf("held by %v: %v", 4, err)
	}
	if err := ours.Unlock(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*player{kazoo, flock, lockf} {
		p.do("unlock")
	}
	flock.start("look", rounds)
	lockf.start("look", rounds)
	writer := b.flocker(t, "flock", "x.lock", j)
	writer.start("count", rounds)
	countHolding(t, zk.NewLock(c, "/x.lock", acl), j, rounds)
	for _, p := range []*player{flock, lockf, writer} {
		p.want("done")
	}
	j.want(t, 2*rounds)
}

// First come, first served, through whatever mount and client.
func TestFlockOrder(t *testing.T) {
	t.Parallel()
	a, b, c := mountTwice(t)
	j := newJudge(t)
	holder := zk.NewLock(c, "/x.lock", zk.WorldACL(zk.PermAll))
	if err := holder.Lock(); err != nil {
		t.Fatal(err)
	}
	kazoo := append(pythonPlayer("contender.py"), "lock", a.source, "/x.lock", string(j))
	queue := []*player{
		a.flocker(t, "flock", "x.lock", j), b.flocker(t, "lockf", "x.lock", j), play(t, "kazoo", kazoo...),
		b.flocker(t, "flock", "x.lock", j), a.flocker(t, "flock", "x.lock", j),
	}
	for i, p := range queue {
		p.start("lock")
		contenders(t, c, "/x.lock", i+2)
	}
	if err := holder.Unlock(); err != nil {
		t.Fatal(err)
	}
	for i, p := range queue {
		p.want("done")
		for _, behind := range queue[i+1:] {
			behind.waits()
		}
		p.do("unlock")
	}
}

// Each waiter watches the one before it alone: what the server is asked grows with the waiters, not with their square.
func TestManyWaitersAreNoHerd(t *testing.T) {
	t.Parallel()
	const waiters = 200
	ts := cluster(t, 1, nil)
	server := addr(ts.Servers[0])
	a, b := mount(t, server), mount(t, server)
	c := connect(t, []string{server})
	holder := zk.NewLock(c, "/x.lock", zk.WorldACL(zk.PermAll))
	if err := holder.Lock(); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, m := range []*mounted{a, b} {
		all.Go(func() {
			script := fmt.Sprintf("for i in $(seq %d); do flock x.lock true & done; wait", waiters/2)
			if out, err := m.try(script); err != nil || out != "" {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	contenders(t, c, "/x.lock", waiters+1)
	before := received(t, server)
	if err := holder.Unlock(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	contenders(t, c, "/x.lock", 0)
	asked := received(t, server) - before
	t.Logf("%d requests for %d waiters", asked, waiters)
	// A waiter looks at the queue and at its own znode, and deletes that. Pings and the test's looks come on top.
	if asked > 5*waiters {
		t.Errorf("%d requests for %d waiters", asked, waiters)
	}
}

// received returns how many packets the server has received.
func received(t *testing.T, server string) int64 {
	t.Helper()
	answer, err := ask(server, "srvr")
	if err != nil {
		t.Fatal(err)
	}
	srvr, err := flw.ParseSrvr(answer)
	if err != nil {
		t.Fatal(err)
	}
	return srvr.Received
}

// A waiter that a signal ends leaves no znode behind, nor does one whose connection breaks at that moment.
func TestInterruptedWaiterLeavesNothing(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	server := addr(shared.Servers[0])
	way := newProxy(t, server)
	a := mount(t, way.Addr()+root, "--session-timeout=20s")
	c := connect(t, []string{server}, zk.WithChroot(root))
	holder := zk.NewLock(c, "/x.lock", zk.WorldACL(zk.PermAll))
	if err := holder.Lock(); err != nil {
		t.Fatal(err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		for _, cut := range []bool{false, true} {
			t.Run(fmt.Sprint(signal, " cut ", cut), func(t *testing.T) {
				p := a.flocker(t, "flock", "x.lock", newJudge(t))
				p.start("lock")
				contenders(t, c, "/x.lock", 2)
				if cut {
					way.Break()
				}
				if err := p.cmd.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				select {
				case answer, ok := <-p.Answers():
					if ok {
						t.Errorf("%s: %s", p.name, answer)
					}
				case <-time.After(hang):
					t.Errorf("still waits after %s", signal)
				}
				way.Mend()
				contenders(t, c, "/x.lock", 1)
			})
		}
	}
}

// What a lock file and its attribute say.
func TestLockFileShowsItsQueue(t *testing.T) {
	t.Parallel()
	a, b, c := mountTwice(t)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	j := newJudge(t)
	holder, waiter, reader := a.flocker(t, "flock", "x.lock", j), b.flocker(t, "flock", "x.lock", j), a.flocker(t, "lockf-shared", "x.lock", j)
	holder.do("lock")
	for i, p := range []*player{waiter, reader} {
		p.start("lock")
		contenders(t, c, "/x.lock", i+2)
	}
	const sequence, session, since = `\d{10}`, `0x[0-9a-f]+`, `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`
	data := func(p *player) string { // without the arguments
		return regexp.QuoteMeta(fmt.Sprintf("%s %d %s", host, p.cmd.Process.Pid, filepath.Base(p.cmd.Path)))
	}
	want := fmt.Sprintf(`^%[1]s %[2]s %[3]s exclusive %[4]s\n%[1]s %[2]s %[3]s exclusive %[5]s\n%[1]s %[2]s %[3]s shared %[6]s\n$`,
		sequence, session, since, data(holder), data(waiter), data(reader))
	for _, m := range []*mounted{a, b} {
		if got := m.sh(t, "cat x.lock"); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("the queue is\n%swant\n%s", got, want)
		}
		wantHolder := "^queue=3 zxid=0x[0-9a-f]+ holder=\"" + data(holder) + "\"$"
		if got := m.sh(t, "getfattr --only-values -n user.zk.lock x.lock"); !regexp.MustCompile(wantHolder).MatchString(got) {
			t.Errorf("user.zk.lock is %s, want %s", got, wantHolder)
		}
	}
	holder.do("write", "deploying-1.2")
	eventually(t, func() error {
		if got := b.sh(t, "head -1 x.lock"); !strings.HasSuffix(got, " exclusive deploying-1.2\n") {
			return fmt.Errorf("the holder has said %s", got)
		}
		return nil
	})
	holder.do("unlock")
	waiter.want("done")
	waiter.do("unlock")
	reader.want("done")
	reader.do("unlock")
	b.sh(t, "while [ -e x.lock ]; do sleep 0.05; done") // the server removes what nobody wants any more
}
