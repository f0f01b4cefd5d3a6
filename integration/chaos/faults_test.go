package chaos

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/zkfs/zkfs/internal/history"
	"github.com/zkfs/zkfs/internal/proxy"
)

// class says what a fault is about. Two faults of one class are not injected at a time.
type class int

const (
	ways    class = iota // between one side and the servers
	servers              // of the ensemble
	processes
)

// A fault is something that goes wrong for a while.
type fault struct {
	name  string
	class class
	do    func(*chaos, attack) error // returns when it is over
}

// attack is one occurrence of a fault.
type attack struct {
	fault
	side   *side
	length time.Duration
}

func (a attack) String() string {
	return fmt.Sprintf("%s (%s, %v)", a.name, a.side.name, a.length.Round(time.Millisecond))
}

// faults are all that the nemesis knows.
func (c *chaos) faults() []fault {
	all := []fault{
		{"cut", ways, func(_ *chaos, a attack) error { a.side.cut(); return nil }},
		{"break", ways, way(proxy.Fault{Refuse: true}, true)},
		{"expire", ways, expire},
		{"expire holder", ways, expireHolder},
		{"stall up", ways, way(proxy.Fault{StallUp: true}, false)},
		{"stall down", ways, way(proxy.Fault{StallDown: true}, false)},
		{"stall", ways, way(proxy.Fault{StallUp: true, StallDown: true}, false)},
		{"delay", ways, way(proxy.Fault{Delay: 200 * time.Millisecond}, false)},
		{"trickle", ways, way(proxy.Fault{Rate: 20 << 10}, false)},
		{"drop", ways, way(proxy.Fault{Drop: 1}, false)},
		{"half frames", ways, way(proxy.Fault{Drop: 1000}, false)},
		{"garbage", ways, way(proxy.Fault{Garbage: []byte("\x00\x00\x00\x29\xff\xff\xff\xff garbage of no protocol at all, but with a length")}, true)},
		{"huge frame", ways, way(proxy.Fault{Garbage: []byte("\x7f\xff\xff\xff\x00\x00\x00\x00")}, true)},
		{"http port", ways, way(proxy.Fault{Server: c.http}, true)},
		{"tls port", ways, way(proxy.Fault{Server: c.tls}, true)},

		{"kill follower", servers, func(c *chaos, a attack) error { return c.killServers(a, c.e.member("follower")) }},
		{"kill leader", servers, func(c *chaos, a attack) error { return c.killServers(a, c.e.member("leader")) }},
		{"kill two servers", servers, func(c *chaos, a attack) error { return c.killServers(a, 0, 1) }},
		{"kill all servers", servers, func(c *chaos, a attack) error { return c.killServers(a, 0, 1, 2) }},
		{"freeze follower", servers, func(c *chaos, a attack) error { return c.freezeServers(a, c.e.member("follower")) }},
		{"freeze leader", servers, func(c *chaos, a attack) error { return c.freezeServers(a, c.e.member("leader")) }},
		{"freeze all servers", servers, func(c *chaos, a attack) error { return c.freezeServers(a, 0, 1, 2) }},
		{"rolling restart", servers, rollingRestart},
		{"wipe", servers, wipe},
		{"full disk", servers, fullDisk},

		{"freeze daemon", processes, func(_ *chaos, a attack) error { a.side.daemon.stopFor(a.length); return nil }},
		{"kill daemon", processes, killDaemon},
		{"unmount", processes, unmount},
		{"unmount while cut", processes, unmountWhileCut},
		{"interrupt", processes, func(c *chaos, a attack) error { return c.crew.interrupt(a.side) }},
	}
	return all
}

// way lets f go wrong on all ways of a side. With cut, connections that exist are reset, so that new ones are made.
func way(f proxy.Fault, cut bool) func(*chaos, attack) error {
	return func(_ *chaos, a attack) error {
		a.side.set(f)
		if cut {
			a.side.cut()
		}
		sleep(a.length)
		a.side.set(proxy.Fault{})
		if f.Garbage != nil || f.Server != "" {
			a.side.cut() // the connections that lead elsewhere
		}
		return nil
	}
}

// expire keeps a side away for longer than its sessions live.
func expire(c *chaos, a attack) error {
	a.length = max(a.length, 3*sessionTimeout)
	return way(proxy.Fault{Refuse: true}, true)(c, a)
}

// expireHolder is expire for the mount on which the lock is held for longer than most hold it, if that happens soon.
func expireHolder(c *chaos, a attack) error {
	within(15*time.Second, func() error { // an error says that nobody did
		before, pid := c.e.holder()
		sleep(700 * time.Millisecond)
		now, _ := c.e.holder()
		for _, s := range c.mounts {
			if now != "" && now == before && c.crew.has(s, pid) {
				a.side = s
				return nil
			}
		}
		return errors.New("nobody holds it for long")
	})
	return expire(c, a)
}

func (c *chaos) killServers(a attack, members ...int) error {
	var errs []error
	for _, i := range members {
		errs = append(errs, c.e.Servers[i].Srv.Stop())
	}
	sleep(a.length)
	for _, i := range members {
		errs = append(errs, c.e.restart(i))
	}
	return errors.Join(append(errs, c.e.whole())...)
}

func (c *chaos) freezeServers(a attack, members ...int) error {
	var errs []error
	for _, i := range members {
		errs = append(errs, c.e.Servers[i].Srv.Signal(syscall.SIGSTOP))
	}
	sleep(a.length)
	for _, i := range members {
		errs = append(errs, c.e.Servers[i].Srv.Signal(syscall.SIGCONT))
	}
	return errors.Join(append(errs, c.e.whole())...)
}

func rollingRestart(c *chaos, _ attack) error {
	for i := range c.e.Servers {
		if err := errors.Join(c.e.Servers[i].Srv.Stop(), c.e.restart(i), c.e.whole()); err != nil {
			return err
		}
	}
	return nil
}

func wipe(c *chaos, a attack) error {
	if err := errors.Join(c.e.Servers[2].Srv.Stop(), c.e.empty()); err != nil {
		return err
	}
	sleep(a.length)
	return errors.Join(c.e.restart(2), c.e.whole())
}

// fullDisk leaves a server no space. It ends by itself, or serves on without; a new disk brings it back.
func fullDisk(c *chaos, a attack) error {
	if err := c.e.fill(); err != nil {
		return err
	}
	sleep(a.length)
	c.e.Servers[2].Srv.Stop() // an error says that it had ended
	return errors.Join(c.e.empty(), c.e.restart(2), c.e.whole())
}

func killDaemon(_ *chaos, a attack) error {
	return errors.Join(a.side.daemon.kill(), a.side.daemon.start())
}

// unmountPatience bounds how long an unmount takes, whatever else goes wrong.
const unmountPatience = 20 * time.Second

func unmount(_ *chaos, a attack) error {
	return errors.Join(a.side.daemon.stop(unmountPatience), a.side.daemon.start())
}

func unmountWhileCut(_ *chaos, a attack) error {
	a.side.set(proxy.Fault{Refuse: true})
	a.side.cut()
	sleep(a.length)
	err := a.side.daemon.stop(unmountPatience)
	a.side.set(proxy.Fault{})
	return errors.Join(err, a.side.daemon.start())
}

// side is a mount, or a plain client, with its ways to the servers.
type side struct {
	name   string
	ways   []*proxy.Proxy
	daemon *daemon // nil for a plain client
}

func (s *side) set(f proxy.Fault) {
	for _, w := range s.ways {
		w.Set(f)
	}
}

func (s *side) cut() {
	for _, w := range s.ways {
		w.Cut()
	}
}

func (s *side) addrs() []string {
	var all []string
	for _, w := range s.ways {
		all = append(all, w.Addr())
	}
	return all
}

// owns reports whether a process of this side did op.
func (s *side) owns(op *history.Op) bool { return strings.HasPrefix(op.Process, s.name+".") }
