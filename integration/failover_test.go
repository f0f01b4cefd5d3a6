package integration

import (
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// A server that dies or falls silent is not noticed at a shell: the next one answers before
// --timeout. The session and the calls have time enough for a leader to be elected on a busy
// machine.
func TestMountSurvivesItsServer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		fail func(zk.TestServer) error
	}{
		{"killed", func(s zk.TestServer) error { return s.Srv.Stop() }},
		{"frozen", freeze},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ts := cluster(t, 3, nil)
			var servers []string
			for _, s := range ts.Servers {
				servers = append(servers, addr(s))
			}
			m := mount(t, strings.Join(servers, ","), "--session-timeout=12s", "--timeout=3m")
			m.sh(t, "echo before > f; mkdir d; echo kept > d/g")
			if err := tt.fail(connectedTo(t, m, ts)); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if got := m.sh(t, "ls none 2>&1; echo after >> f; cat f d/g; rm -r d; ls"); !strings.HasSuffix(got, "before\nafter\nkept\nf\nzookeeper\n") {
				t.Errorf("printed %q", got)
			}
			t.Logf("the commands took %v", time.Since(start))
		})
	}
}

// A leader whose followers are frozen takes connections, resumes sessions and answers reads, but commits nothing until it gives them up.
// Changes in one directory, which the kernel lets wait for each other, do not wait for --timeout each.
func TestLeaderThatCommitsNothing(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 3, func(_ int, config *zk.ServerConfig, _ *zk.Server) { config.SyncLimit = 300 }) // a minute
	wantModes(t, ts, "follower", "follower", "leader")
	old := leader(t, ts)
	const timeout = 10 * time.Second
	m := mount(t, old, "--timeout="+timeout.String(), "--session-timeout=4s")
	m.sh(t, "mkdir d && ls d")
	for _, s := range ts.Servers {
		if addr(s) != old {
			if err := freeze(s); err != nil {
				t.Fatal(err)
			}
		}
	}
	start := time.Now()
	out := m.sh(t, "for i in 1 2 3 4 5; do mkdir d/$i 2>&1 & done; wait")
	if took := time.Since(start); took < timeout || took >= 5*timeout {
		t.Errorf("five took %v\n%s", took, out)
	}
	if n := strings.Count(out, "cannot create directory"); n != 5 {
		t.Errorf("%d of five failed\n%s", n, out)
	}
	for _, s := range ts.Servers {
		if err := s.Srv.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() error {
		_, err := m.try("mkdir -p d/after")
		return err
	})
}

// connectedTo returns the server that the mount is connected to, as its .status says.
func connectedTo(t *testing.T, m *mounted, ts *zk.TestCluster) zk.TestServer {
	t.Helper()
	status := m.sh(t, "cat .status")
	found := regexp.MustCompile(`(?m)^connected +(\S+)$`).FindStringSubmatch(status)
	for _, s := range ts.Servers {
		if found != nil && addr(s) == found[1] {
			return s
		}
	}
	t.Fatalf("connected to none of the servers:\n%s", status)
	return zk.TestServer{}
}
