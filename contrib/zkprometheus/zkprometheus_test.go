package zkprometheus_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/zkfs/zkfs/contrib/zkprometheus"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

type silence struct{}

func (silence) Printf(string, ...any) {}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := zktest.NewServer()
		defer server.Close()
		metrics := zkprometheus.New(prometheus.Labels{"ensemble": "test"})
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(metrics)
		c, _, err := zk.Connect([]string{"zk"}, 10*time.Second, zk.WithDialer(server.Dialer()),
			zk.WithLogger(silence{}), zk.WithRequestHook(metrics.Request), zk.WithEventCallback(metrics.Event))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _, _, err = c.ExistsW("/a")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Create("/a", nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Get("/none"); !errors.Is(err, zk.ErrNoNode) {
			t.Fatal(err)
		}
		for _, step := range []struct {
			then                     func()
			connected, lost, expired string
		}{
			{func() {}, "1", "0", "0"},
			{func() { server.Disconnect(); server.Refuse(true) }, "0", "1", "0"},
			{func() { server.Refuse(false); time.Sleep(time.Second) }, "1", "1", "0"},
			{func() { server.ExpireSession(c.SessionID()); time.Sleep(time.Second) }, "1", "2", "1"},
		} {
			step.then()
			synctest.Wait()
			values := strings.NewReplacer(
				"CONNECTED", step.connected, "LOST", step.lost, "EXPIRED", step.expired)
			want := values.Replace(`
# HELP zookeeper_client_connected Whether requests are served.
# TYPE zookeeper_client_connected gauge
zookeeper_client_connected{ensemble="test"} CONNECTED
# HELP zookeeper_client_connections_lost_total Connections that had served requests and were lost.
# TYPE zookeeper_client_connections_lost_total counter
zookeeper_client_connections_lost_total{ensemble="test"} LOST
# HELP zookeeper_client_sessions_expired_total Sessions that were lost.
# TYPE zookeeper_client_sessions_expired_total counter
zookeeper_client_sessions_expired_total{ensemble="test"} EXPIRED
# HELP zookeeper_client_watch_events_total Events of watches.
# TYPE zookeeper_client_watch_events_total counter
zookeeper_client_watch_events_total{ensemble="test",type="EventNodeCreated"} 1
# HELP zookeeper_client_sent_bytes_total Bytes of requests.
# TYPE zookeeper_client_sent_bytes_total counter
zookeeper_client_sent_bytes_total{ensemble="test",op="create"} 41
zookeeper_client_sent_bytes_total{ensemble="test",op="exists"} 7
zookeeper_client_sent_bytes_total{ensemble="test",op="getData"} 10
`)
			if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "zookeeper_client_connected",
				"zookeeper_client_connections_lost_total", "zookeeper_client_sessions_expired_total",
				"zookeeper_client_watch_events_total", "zookeeper_client_sent_bytes_total"); err != nil {
				t.Error(err)
			}
		}
		for labels, want := range map[string]int{"getData NoNode": 1, "create ok": 1, "exists NoNode": 1} {
			if got := calls(t, registry)[labels]; got != want {
				t.Errorf("%s: %d calls, want %d", labels, got, want)
			}
		}
	})
}

// calls returns how many calls the histogram has, by operation and result.
func calls(t *testing.T, registry *prometheus.Registry) map[string]int {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, family := range families {
		if family.GetName() != "zookeeper_client_request_duration_seconds" {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			found[labels["op"]+" "+labels["result"]] = int(m.GetHistogram().GetSampleCount())
		}
	}
	return found
}
