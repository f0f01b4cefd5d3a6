package integration

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// A server that dies or falls silent is not noticed at a shell: the next one answers before --timeout.
func TestMountSurvivesItsServer(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail func(zk.TestServer) error
	}{
		{"killed", func(s zk.TestServer) error { return s.Srv.Stop() }},
		{"frozen", freeze},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ts := cluster(t, 3, nil)
			var servers []string
			for _, s := range ts.Servers {
				servers = append(servers, addr(s))
			}
			m := mount(t, strings.Join(servers, ","), "--session-timeout=4s")
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
