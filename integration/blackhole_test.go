package integration

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

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
// when the cable is back a mount goes on by itself, in its session or in the next.
func TestPulledCable(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 1, func(_ int, config *zk.ServerConfig, _ *zk.Server) {
		config.Extra = append(config.Extra, "clientPortAddress=0.0.0.0")
	})
	far := newHost(t)
	server := fmt.Sprintf("%s:%d", hereAddr, ts.Servers[0].Port)
	other := connect(t, []string{addr(ts.Servers[0])})
	there := func(timeout string) *mounted {
		return mountBy(t, []string{"nsenter", "--net", "--target", far.pid}, server, "--timeout=3s", "--session-timeout="+timeout)
	}
	brief, lasting := there("4s"), there("60s")
	brief.sh(t, "echo 1 > f; cat f")
	session := func(m *mounted) string { return m.sh(t, "grep ^session .status") }
	before, same := session(brief), session(lasting)

	far.unplug(t)
	for _, m := range []*mounted{brief, lasting} {
		for _, script := range []string{"getfattr -n user.zk.acl f", "echo 2 > f"} {
			if out, err := m.try(script); err == nil || !strings.Contains(out, "timed out") && !strings.Contains(out, "Host is down") {
				t.Errorf("%s: %v\n%s", script, err, out)
			}
		}
		if out, err := m.try("cat .status > /dev/null"); err != nil || out != "" {
			t.Errorf(".status: %v\n%s", err, out)
		}
	}
	eventually(t, func() error { // the server hears nothing of brief's session
		if n := sessions(t, addr(ts.Servers[0])); n != 2 {
			return fmt.Errorf("%d sessions, want the lasting and the other one", n)
		}
		return nil
	})
	if _, err := other.Set("/f", []byte("theirs\n"), -1); err != nil {
		t.Fatal(err)
	}
	far.plug(t)
	for _, m := range []*mounted{brief, lasting} {
		eventually(t, func() error {
			if out, err := m.try("cat f; echo 3 > g && cat g"); err != nil || out != "theirs\n3\n" {
				return fmt.Errorf("%q, error %v", out, err)
			}
			return nil
		})
	}
	if after := session(brief); after == before {
		t.Errorf("after the end of its session the mount is in %q, as before", after)
	}
	if after := session(lasting); after != same {
		t.Errorf("after a pause shorter than its session the mount is in %q, before %q", after, same)
	}
	far.unplug(t) // what is left to do is to unmount
}
