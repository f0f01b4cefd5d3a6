package integration

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// host is a network namespace: another host, at the other end of a cable.
type host struct {
	pid   string // of a process in it
	cable string // the end of the cable on this host
}

// The two ends of the cable (RFC 5737: in no other network).
const (
	hereAddr  = "198.51.100.1"
	thereAddr = "198.51.100.2"
)

// newHost makes a host that is there until the test ends.
func newHost(t *testing.T) *host {
	t.Helper()
	keeper := exec.Command("unshare", "--net", "cat") // until its stdin ends
	stdin, err := keeper.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := keeper.Wait(); err != nil {
			t.Error(err)
		}
	})
	h := &host{pid: fmt.Sprint(keeper.Process.Pid), cable: fmt.Sprintf("zkfs%d", os.Getpid())}
	eventually(t, func() error { // unshare has become cat, in its own namespace
		here, _ := os.Readlink("/proc/self/ns/net")
		there, err := os.Readlink("/proc/" + h.pid + "/ns/net")
		if err == nil && here == there {
			err = fmt.Errorf("no namespace of its own: %s", there)
		}
		return err
	})
	command(t, "", "ip", "link", "add", h.cable, "type", "veth", "peer", "name", "eth0", "netns", h.pid)
	t.Cleanup(func() {
		if out, err := exec.Command("ip", "link", "del", h.cable).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	command(t, "", "ip", "addr", "add", hereAddr+"/30", "dev", h.cable)
	h.plug(t)
	command(t, "", "nsenter", "--net", "--target", h.pid, "sh", "-c", "ip addr add "+thereAddr+"/30 dev eth0 && ip link set eth0 up")
	return h
}

// unplug lets all packets vanish from now on. No end of a connection is told.
func (h *host) unplug(t *testing.T) { command(t, "", "ip", "link", "set", h.cable, "down") }

func (h *host) plug(t *testing.T) { command(t, "", "ip", "link", "set", h.cable, "up") }

// A cable that is pulled out is told to nobody: no connection is closed, no packet answered. Calls end in their time all the same, and
// when the cable is back the mount goes on by itself, in its session or in the next.
func TestPulledCable(t *testing.T) {
	const timeout = 3 * time.Second
	ts := cluster(t, 1, func(_ int, config *zk.ServerConfig, _ *zk.Server) {
		config.Extra = append(config.Extra, "clientPortAddress=0.0.0.0")
	})
	far := newHost(t)
	server := fmt.Sprintf("%s:%d", hereAddr, ts.Servers[0].Port)
	m := mountBy(t, []string{"nsenter", "--net", "--target", far.pid}, server, "--timeout="+timeout.String(), "--session-timeout=4s")
	other := connect(t, []string{addr(ts.Servers[0])})
	m.sh(t, "echo 1 > f; cat f")
	session := func() string { return m.sh(t, "grep ^session .status") }
	before := session()
	for _, pull := range []struct {
		length time.Duration
		calls  bool
		same   bool // it is shorter than the session
	}{{time.Second, false, true}, {10 * time.Second, true, false}} {
		far.unplug(t)
		pulled := time.Now()
		if pull.calls {
			for _, script := range []string{"getfattr -n user.zk.acl f", "echo 2 > f", "cat .status > /dev/null"} {
				start := time.Now()
				out, err := m.try(script)
				if took := time.Since(start); took > timeout+2*time.Second {
					t.Errorf("%s: it took %v", script, took)
				}
				answered := err == nil && out == ""
				refused := err != nil && (strings.Contains(out, "timed out") || strings.Contains(out, "Host is down"))
				if local := strings.Contains(script, ".status"); local && !answered || !local && !refused {
					t.Errorf("%s: %v\n%s", script, err, out)
				}
			}
		}
		theirs := fmt.Sprintf("after %v\n", pull.length)
		if _, err := other.Set("/f", []byte(theirs), -1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pull.length - time.Since(pulled))
		far.plug(t)
		eventually(t, func() error {
			if out, err := m.try("cat f; echo 3 > g && cat g"); err != nil || out != theirs+"3\n" {
				return fmt.Errorf("%q, error %v, want %q", out, err, theirs+"3\n")
			}
			return nil
		})
		after := session()
		if (after == before) != pull.same {
			t.Errorf("after %v: %q, before %q", pull.length, after, before)
		}
		before = after
	}
	far.unplug(t) // what is left to do is to unmount
}
