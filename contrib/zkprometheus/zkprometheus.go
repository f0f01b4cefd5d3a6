// Package zkprometheus shows Prometheus what a client of package zk does.
//
//	metrics := zkprometheus.New(prometheus.Labels{"ensemble": "prod"})
//	prometheus.MustRegister(metrics)
//	conn, _, err := zk.Connect(servers, timeout,
//		zk.WithRequestHook(metrics.Request), zk.WithEventCallback(metrics.Event))
//
// The metrics, each with the labels given to [New]:
//
//	zookeeper_client_request_duration_seconds{op,result}  from the call until its end: a histogram
//	zookeeper_client_sent_bytes_total{op}                 of requests
//	zookeeper_client_received_bytes_total{op}             of replies
//	zookeeper_client_watch_events_total{type}             of the servers, and for lost ones
//	zookeeper_client_connected                            1 while requests are served, else 0
//	zookeeper_client_connections_lost_total               connections that had served requests
//	zookeeper_client_sessions_expired_total               sessions that were lost
//
// op is ZooKeeper's name of the operation, as getData. result is [zk.RequestInfo.Result].
package zkprometheus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/zkfs/zkfs/zk"
)

// Metrics are those of one client. They are a [prometheus.Collector].
type Metrics struct {
	duration       *prometheus.HistogramVec
	sent, received *prometheus.CounterVec
	watchEvents    *prometheus.CounterVec
	connected      prometheus.Gauge
	lost, expired  prometheus.Counter

	serving bool // owned by the goroutine of Event
}

// New returns metrics with constant labels, which tell the clients of a process apart.
func New(labels prometheus.Labels) *Metrics {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{
			Namespace: "zookeeper_client", Name: name, Help: help, ConstLabels: labels,
		}
	}
	return &Metrics{
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace:   "zookeeper_client",
			Name:        "request_duration_seconds",
			Help:        "Time from the call until its reply, its failure or the end of its context.",
			ConstLabels: labels,
			Buckets: []float64{
				.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10,
			},
			NativeHistogramBucketFactor: 1.1,
		}, []string{"op", "result"}),
		sent:        prometheus.NewCounterVec(counter("sent_bytes_total", "Bytes of requests."), []string{"op"}),
		received:    prometheus.NewCounterVec(counter("received_bytes_total", "Bytes of replies."), []string{"op"}),
		watchEvents: prometheus.NewCounterVec(counter("watch_events_total", "Events of watches."), []string{"type"}),
		connected: prometheus.NewGauge(prometheus.GaugeOpts(
			counter("connected", "Whether requests are served."))),
		lost: prometheus.NewCounter(
			counter("connections_lost_total", "Connections that had served requests and were lost.")),
		expired: prometheus.NewCounter(counter("sessions_expired_total", "Sessions that were lost.")),
	}
}

// Request is for [zk.WithRequestHook].
func (m *Metrics) Request(r zk.RequestInfo) {
	m.duration.WithLabelValues(r.Op, r.Result()).Observe(r.Duration.Seconds())
	m.sent.WithLabelValues(r.Op).Add(float64(r.Sent))
	m.received.WithLabelValues(r.Op).Add(float64(r.Received))
}

// Event is for [zk.WithEventCallback].
func (m *Metrics) Event(e zk.Event) {
	if e.Type != zk.EventSession {
		m.watchEvents.WithLabelValues(e.Type.String()).Inc()
		return
	}
	switch e.State {
	case zk.StateHasSession, zk.StateConnectedReadOnly:
		m.serving = true
		m.connected.Set(1)
		return
	case zk.StateExpired:
		m.expired.Inc()
	}
	if m.serving && e.State == zk.StateDisconnected {
		m.lost.Inc()
		m.serving = false
	}
	m.connected.Set(0)
}

func (m *Metrics) all() []prometheus.Collector {
	return []prometheus.Collector{
		m.duration, m.sent, m.received, m.watchEvents, m.connected, m.lost, m.expired,
	}
}

// Describe is that of [prometheus.Collector].
func (m *Metrics) Describe(to chan<- *prometheus.Desc) {
	for _, c := range m.all() {
		c.Describe(to)
	}
}

// Collect is that of [prometheus.Collector].
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	for _, c := range m.all() {
		c.Collect(to)
	}
}
