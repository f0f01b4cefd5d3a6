package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	runtimemetrics "runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	vm "github.com/VictoriaMetrics/metrics"
	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/zk"
)

// metrics are the numbers of this process for Prometheus.
type metrics struct {
	set     *vm.Set                   // of the histograms of requests
	session atomic.Pointer[collector] // nil until there is a mount

	mu       sync.Mutex // guards the following
	requests map[requestKind]*vm.PrometheusHistogram
}

// requestKind is the labels of a histogram of requests.
type requestKind struct{ op, result string }

var descRequests = describe("requests_seconds", histogram,
	"Requests to ZooKeeper by operation and result, from the call to the reply, waiting for a connection included.")

var requestBuckets = vm.ExponentialBuckets(0.0001, 4, 9) // 0.1 ms to 6.5 s

func newMetrics() *metrics {
	vm.ExposeMetadata(true)
	return &metrics{set: vm.NewSet(), requests: make(map[requestKind]*vm.PrometheusHistogram)}
}

// request is a hook of package zk.
func (m *metrics) request(r zk.RequestInfo) {
	m.histogram(requestKind{r.Op, resultOf(r.Err)}).Update(r.Duration.Seconds())
}

func (m *metrics) histogram(o requestKind) *vm.PrometheusHistogram {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.requests[o]
	if h == nil {
		h = m.set.NewPrometheusHistogramExt(fmt.Sprintf("%s{op=%q,result=%q}", descRequests.name, o.op, o.result), requestBuckets)
		m.requests[o] = h
	}
	return h
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
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		w.Write(m.text())
	})
	return mux
}

// text returns all numbers in Prometheus' text format.
func (m *metrics) text() []byte {
	var requests, b bytes.Buffer
	m.set.WritePrometheus(&requests)
	// The library writes HELP without a text.
	bare := []byte("# HELP " + descRequests.name + "\n")
	b.Write(bytes.Replace(requests.Bytes(), bare, []byte(descRequests.helpLine()), 1))
	if c := m.session.Load(); c != nil {
		c.write(&b)
	}
	vm.WriteProcessMetrics(&b)
	vm.WriteFDMetrics(&b)
	writeRuntime(&b)
	return b.Bytes()
}

// runtimeNumbers are those of the Go runtime that the library leaves out, by the names of
// Prometheus' own library.
var runtimeNumbers = []struct{ name, source string }{
	{"go_gc_gogc_percent", "/gc/gogc:percent"},
	{"go_gc_gomemlimit_bytes", "/gc/gomemlimit:bytes"},
	{"go_sched_gomaxprocs_threads", "/sched/gomaxprocs:threads"},
}

// writeRuntime writes the numbers of the process that the library leaves out.
func writeRuntime(w io.Writer) {
	samples := make([]runtimemetrics.Sample, len(runtimeNumbers))
	for i, n := range runtimeNumbers {
		samples[i].Name = n.source
	}
	runtimemetrics.Read(samples)
	for i, n := range runtimeNumbers {
		vm.WriteGaugeUint64(w, n.name, samples[i].Value.Uint64())
	}
	var space unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_AS, &space) == nil {
		vm.WriteGaugeUint64(w, "process_virtual_memory_max_bytes", uint64(space.Cur))
	}
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
