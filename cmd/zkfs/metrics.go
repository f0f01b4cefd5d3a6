package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/zkfs/zkfs/zk"
)

// metrics are the numbers of this process for Prometheus.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "zkfs_requests_seconds",
			Help:    "Requests to ZooKeeper by operation and result, from the call to the reply, waiting for a connection included.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9), // 0.1 ms to 6.5 s
		}, []string{"op", "result"}),
	}
	m.registry.MustRegister(m.requests, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// request is a hook of package zk.
func (m *metrics) request(r zk.RequestInfo) {
	m.requests.WithLabelValues(r.Op, resultOf(r.Err)).Observe(r.Duration.Seconds())
}

// results are the words for errors of requests. Others are "error".
var results = []struct {
	err  error
	word string
}{
	{nil, "ok"},
	{zk.ErrNoNode, "no_node"},
	{zk.ErrNodeExists, "node_exists"},
	{zk.ErrNotEmpty, "not_empty"},
	{zk.ErrBadVersion, "bad_version"},
	{zk.ErrNoAuth, "no_auth"},
	{zk.ErrAuthFailed, "auth_failed"},
	{zk.ErrConnectionClosed, "connection_lost"},
	{zk.ErrNoServer, "no_server"},
	{zk.ErrSessionExpired, "session_expired"},
	{zk.ErrClosing, "closing"},
	{context.DeadlineExceeded, "timeout"},
	{context.Canceled, "interrupted"},
}

func resultOf(err error) string {
	for _, r := range results {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	return "error"
}

// handler answers scrapes.
func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}

// debugHandler shows the process from inside.
func debugHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// serveHTTP answers requests for what at addr, which the flag gives, until stop is called. Without addr it does nothing.
func serveHTTP(flag, addr, what string, handler http.Handler, log *slog.Logger) (stop func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, usagef("%s: %s", flag, plain(err)).hinting("as in " + flag + "=localhost:9141")
	}
	log.Info("serve "+what, "at", l.Addr().String())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	go server.Serve(l) // ends with stop
	return func() { server.Close() }, nil
}
