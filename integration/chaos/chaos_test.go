package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/history"
	"github.com/zkfs/zkfs/internal/proxy"
	"github.com/zkfs/zkfs/zk"
)

// promise is what is proved, in numbers that leave room for a busy machine.
var promise = history.Promise{
	// What a lost connection may have made stale is used no longer than the session lasts; a server that lags is dropped by its
	// leader after syncLimit, 5 s here.
	Stale: sessionTimeout + 6*time.Second,
	// Less than the kernel would keep what it is not told about: as long as the session lasts.
	Calm: 3 * time.Second,
	// One system call is several requests of the kernel, the look-up of each name and then the call itself; and the kernel lets the
	// processes of a mount wait for each other where they create names in one directory. While the servers are silent, or commit
	// nothing, only the first of them all takes the whole time.
	Call: 3*callTimeout + 2*time.Second,
	Cut:  4,
}

// recoverBound is how long after a fault every mount must work again.
const recoverBound = 30 * time.Second

// settleTime is how long after that times are calm.
const settleTime = 2 * time.Second

// chaos is one run.
type chaos struct {
	*testing.T
	e         *ensemble
	rand      *rand.Rand
	mounts    []*side
	clients   []*side
	crew      *crew
	watch     *sampler
	http, tls string // servers of other protocols

	calm   []history.Span
	tally  map[string]*tally
	probes int
}

// tally is what is known about a fault at the end.
type tally struct {
	times   int
	slowest time.Duration // until every mount worked again
}

func TestChaos(t *testing.T) {
	t.Logf("seed %d, duration %v", *seed, *duration)
	c := newChaos(t)
	c.fork()
	ctx, cancel := context.WithCancel(t.Context())
	var users sync.WaitGroup
	for i, s := range c.mounts {
		r := rand.New(rand.NewPCG(*seed, uint64(i)))
		users.Go(func() { // ends with ctx
			c.crew.impatient(ctx, s, func() time.Duration { return time.Duration(r.Int64N(int64(2 * time.Second))) })
		})
	}
	users.Go(func() { c.watch.run(ctx) }) // ends with ctx
	t.Cleanup(users.Wait)                 // if the test was ended by Fatal
	if c.settles() {
		for _, s := range c.mounts {
			s.daemon.first = s.daemon.usage()
		}
		c.torment()
	}
	if isInterrupted() {
		c.Fatal("interrupted")
	}
	c.rest(6 * time.Second)
	cancel()
	users.Wait()
	c.failed(c.crew.dismiss(time.Minute))
	c.leaks()
	for _, s := range c.mounts {
		c.failed(s.daemon.stop(unmountPatience))
	}
	c.forgotten()
	c.judge()
}

// failed fails the test if there is an error.
func (c *chaos) failed(err error) {
	if err != nil {
		c.Error(err)
	}
}

// newChaos starts servers and mounts.
func newChaos(t *testing.T) *chaos {
	c := &chaos{T: t, rand: rand.New(rand.NewPCG(*seed, 0)), tally: map[string]*tally{}}
	command := build(t)
	c.e = startEnsemble(t)
	quiet := log.New(io.Discard, "", 0)
	plain := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	plain.Config.ErrorLog, secure.Config.ErrorLog = quiet, quiet
	plain.Start()
	secure.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	c.http, c.tls = plain.Listener.Addr().String(), secure.Listener.Addr().String()

	c.setUp()
	dir := t.TempDir()
	for _, m := range []struct {
		name  string
		flags []string
	}{{"tree", nil}, {"node", []string{"--watch=node"}}} {
		s := c.side(m.name)
		metrics, debug := freeAddr(t), freeAddr(t)
		var err error
		s.daemon, err = newDaemon(m.name, command, dir, s.addrs(), append(m.flags, "--metrics", metrics, "--debug-addr", debug)...)
		if err != nil {
			t.Fatal(err)
		}
		s.daemon.metrics = "http://" + metrics + "/metrics"
		s.daemon.goroutines = "http://" + debug + "/debug/pprof/goroutine?debug=2"
		t.Cleanup(func() {
			if t.Failed() {
				text, _ := os.ReadFile(s.daemon.log)
				t.Logf("the end of the log of %s:\n%s", s.name, text[max(0, len(text)-1000):])
			}
		})
		if err := s.daemon.start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			select {
			case <-s.daemon.ended:
			default:
				s.daemon.stop(unmountPatience) // the test has failed
			}
		})
		c.mounts = append(c.mounts, s)
	}
	c.clients = []*side{c.side("client"), c.side("other")}
	c.crew = &crew{records: t.TempDir(), seed: *seed << 10, members: map[*member]bool{}}
	t.Cleanup(c.crew.kill)
	c.watch = &sampler{mounts: c.mounts}
	return c
}

// side makes the ways of a mount or a client.
func (c *chaos) side(name string) *side {
	s := &side{name: name}
	for _, addr := range c.e.addrs() {
		p, err := proxy.New(addr)
		if err != nil {
			c.Fatal(err)
		}
		c.Cleanup(p.Close)
		s.ways = append(s.ways, p)
	}
	return s
}

// setUp makes what the processes work on. Its writes are part of the history.
func (c *chaos) setUp() {
	conn, err := c.e.Connect(0)
	if err != nil {
		c.Fatal(err)
	}
	defer conn.Close()
	for _, dir := range []string{base, aside} {
		if _, err := conn.Create(dir, nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
			c.Fatal(err)
		}
	}
	for i := range registers {
		if _, err := conn.Create(register(i), content("setup", i, i), 0, zk.WorldACL(zk.PermAll)); err != nil {
			c.Fatal(err)
		}
	}
}

// setUpOps is the record of setUp.
func setUpOps() []*history.Op {
	var ops []*history.Op
	for i := range registers {
		ops = append(ops, &history.Op{
			ID: i, Process: "setup", Kind: history.Write, Path: register(i), Value: history.Digest(content("setup", i, i)),
			Start: 1, End: 2, Outcome: history.OK,
		})
	}
	return ops
}

// fork starts all processes.
func (c *chaos) fork() {
	var errs []error
	for _, s := range c.mounts {
		for i, play := range []string{"worker", "worker", "worker", "locker", "keeper"} {
			errs = append(errs, c.crew.hire(s, play, i, 30*time.Millisecond))
		}
	}
	for _, s := range c.clients {
		for _, play := range []string{"client", "watcher", "clientlocker", "cacher", "leader", "taker"} {
			errs = append(errs, c.crew.hire(s, play, 0, 30*time.Millisecond))
		}
	}
	if err := errors.Join(errs...); err != nil {
		c.Fatal(err)
	}
}

// settle waits until every mount works, notes that it is calm from then on, and returns how long it took.
func (c *chaos) settle() (time.Duration, error) {
	start := time.Now()
	for _, s := range c.mounts {
		c.probes++
		script := fmt.Sprintf(`cd "$0" && echo %d > run/probe.%s && cat run/r0 > /dev/null && df . > /dev/null`, c.probes, s.name)
		err := within(recoverBound, func() error {
			ctx, cancel := context.WithTimeout(context.Background(), recoverBound)
			defer cancel()
			out, err := exec.CommandContext(ctx, "sh", "-c", script, s.daemon.dir).CombinedOutput()
			if err != nil {
				return fmt.Errorf("%s does not recover within %v: %w: %s", s.name, recoverBound, err, out)
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	took := time.Since(start)
	c.calm = append(c.calm, history.Span{Start: now() + int64(settleTime), End: now() + int64(time.Hour)})
	return took, nil
}

// settles is settle for the start of the run.
func (c *chaos) settles() bool {
	_, err := c.settle()
	c.failed(err)
	return err == nil
}

// storm ends the calm.
func (c *chaos) storm() {
	if n := len(c.calm); n > 0 {
		c.calm[n-1].End = min(c.calm[n-1].End, now())
	}
}

// torment injects faults until the time is over: one, or two of different classes at a time. It ends early when a mount does not recover:
// what was recorded up to then is judged all the same.
func (c *chaos) torment() {
	all := c.faults()
	if *only != "" {
		all = slices.DeleteFunc(all, func(f fault) bool { return !slices.Contains(strings.Split(*only, ","), f.name) })
	}
	for end := time.Now().Add(*duration); time.Now().Before(end) && len(all) > 0 && !isInterrupted(); {
		attacks := []attack{c.choose(all)}
		if second := c.choose(all); c.rand.IntN(3) == 0 && second.class != attacks[0].class {
			attacks = append(attacks, second)
		}
		pause := time.Duration(c.rand.Int64N(int64(3 * time.Second)))
		sleep(pause)
		c.storm()
		start := time.Now()
		errs := make([]error, len(attacks))
		var both sync.WaitGroup
		for i, a := range attacks {
			both.Go(func() { errs[i] = a.do(c, a) })
		}
		both.Wait()
		if isInterrupted() {
			return
		}
		c.failed(errors.Join(errs...))
		lasted := time.Since(start)
		took, err := c.settle()
		if err != nil && isInterrupted() {
			return
		}
		if err != nil {
			c.Errorf("%v: lasted %v: %v\n%s", attacks, lasted.Round(time.Millisecond), err, c.diagnosis())
			return
		}
		c.Logf("%v: lasted %v, recovered %v later", attacks, lasted.Round(time.Millisecond), took.Round(time.Millisecond))
		for _, a := range attacks {
			n := c.tally[a.name]
			if n == nil {
				n = &tally{}
				c.tally[a.name] = n
			}
			n.times++
			n.slowest = max(n.slowest, took)
		}
	}
}

// choose draws an attack. It draws the same numbers whatever the fault is, so that a seed stays what it is when faults are left out.
func (c *chaos) choose(all []fault) attack {
	a := attack{
		fault:  all[c.rand.IntN(len(all))],
		length: 200*time.Millisecond + time.Duration(c.rand.Int64N(int64(2*sessionTimeout))),
	}
	sides := c.mounts
	if n := c.rand.IntN(len(c.mounts) + len(c.clients)); a.class == ways && n >= len(c.mounts) {
		sides = c.clients
	}
	a.side = sides[c.rand.IntN(len(sides))]
	return a
}

// rest lets everything go on in calm times.
func (c *chaos) rest(length time.Duration) {
	sleep(settleTime + length)
	c.storm()
}

// leaks looks whether the daemons hold what they do not need any more.
func (c *chaos) leaks() {
	for _, s := range c.mounts {
		var last usage
		err := within(30*time.Second, func() error {
			last = s.daemon.usage()
			return last.leaked(s.daemon.first)
		})
		if err != nil {
			err = fmt.Errorf("%s leaks %w", s.name, err)
		}
		c.Logf("%s began with %+v and ends with %+v", s.name, s.daemon.first, last)
		c.failed(err)
	}
}

// forgotten looks whether the servers hold what nobody needs any more.
func (c *chaos) forgotten() {
	c.failed(within(30*time.Second, c.e.idle))
}

// judge checks the history, and reports everything.
func (c *chaos) judge() {
	r := &history.Run{Calm: c.calm, Frozen: map[string][]history.Span{}}
	c.failed(c.e.StopAllServers())
	changes, err := history.ReadLogs(c.e.txnLogs()...)
	if err != nil {
		c.Fatal(err)
	}
	ops, err := c.crew.ops(c.mounts)
	if err != nil {
		c.Fatal(err)
	}
	r.Changes, r.Ops = changes, append(setUpOps(), ops...)
	for _, s := range c.mounts {
		for i := range s.daemon.lives {
			r.Frozen[fmt.Sprintf("%s/%d", s.name, i)] = s.daemon.freeze
		}
	}
	breaches := history.Check(r, promise)
	for _, op := range ops {
		if op.Err == "transport endpoint is not connected" && op.View != history.Unclear {
			breaches = append(breaches, fmt.Errorf("the daemon is not dead: %v", op))
		}
	}
	for _, err := range breaches[:min(len(breaches), 30)] {
		c.Error(err)
	}
	if len(breaches) > 0 {
		c.Errorf("%d breaches in all; make chaos SEED=%d DURATION=%v", len(breaches), *seed, *duration)
	}
	c.report(r)
}
