package main

import (
	"bufio"
	"bytes"
	"net/http/httptest"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A scrape is what Prometheus accepts: each metric has one HELP and one TYPE line, which precede
// its samples.
func TestScrape(t *testing.T) {
	server := zktest.NewServer()
	defer server.Close()
	conn, _, err := zk.Connect([]string{server.Addr()}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	m := newMetrics()
	session := watchSession(conn)
	session.stats = func() fs.Stats {
		return fs.Stats{Operations: map[string]fs.Operation{"LOOKUP": {Count: 2, Errors: map[syscall.Errno]int64{syscall.EIO: 1}}}}
	}
	m.session.Store(session)
	m.request(zk.RequestInfo{Op: "exists", Err: zk.ErrNoNode})
	m.request(zk.RequestInfo{Op: "exists"})

	r := httptest.NewRecorder()
	m.handler().ServeHTTP(r, httptest.NewRequest("GET", "/metrics", nil))
	if got := r.Header().Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	families := scanScrape(t, r.Body.Bytes())
	for _, d := range descs {
		if f := families[d.name]; f == nil || f.kind != d.kind || f.help != d.help {
			t.Errorf("%s: %+v, want %s, %q", d.name, f, d.kind, d.help)
		}
	}
	for name := range strings.FieldsSeq(processMetrics) {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
}

// processMetrics are the names that dashboards of Go programs use.
const processMetrics = `go_gc_duration_seconds go_gc_gogc_percent go_gc_gomemlimit_bytes go_goroutines go_info go_sched_gomaxprocs_threads go_threads
	go_memstats_alloc_bytes go_memstats_alloc_bytes_total go_memstats_buck_hash_sys_bytes go_memstats_frees_total go_memstats_gc_sys_bytes
	go_memstats_heap_alloc_bytes go_memstats_heap_idle_bytes go_memstats_heap_inuse_bytes go_memstats_heap_objects
	go_memstats_heap_released_bytes go_memstats_heap_sys_bytes go_memstats_last_gc_time_seconds go_memstats_mallocs_total
	go_memstats_mcache_inuse_bytes go_memstats_mcache_sys_bytes go_memstats_mspan_inuse_bytes go_memstats_mspan_sys_bytes
	go_memstats_next_gc_bytes go_memstats_other_sys_bytes go_memstats_stack_inuse_bytes go_memstats_stack_sys_bytes go_memstats_sys_bytes
	process_cpu_seconds_total process_max_fds process_open_fds process_resident_memory_bytes process_start_time_seconds
	process_virtual_memory_bytes process_virtual_memory_max_bytes`

type family struct{ kind, help string }

// scanScrape returns the metrics of a scrape by their names.
func scanScrape(t *testing.T, text []byte) map[string]*family {
	families := make(map[string]*family)
	head := regexp.MustCompile(`^# (HELP|TYPE) (\w+) ?(.*)$`)
	sample := regexp.MustCompile(`^(\w+?)(?:_bucket|_sum|_count)?(?:\{\w+="[^"]*"(?:, ?\w+="[^"]*")*\})? [-+.e\d]+$`)
	var current string
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if parts := head.FindStringSubmatch(line); parts != nil {
			name := parts[2]
			if parts[1] == "TYPE" {
				families[name].kind = parts[3]
				continue
			}
			if families[name] != nil {
				t.Errorf("a second %q", line)
			}
			current, families[name] = name, &family{help: parts[3]}
			continue
		}
		if parts := sample.FindStringSubmatch(line); parts == nil {
			t.Errorf("line %q", line)
		} else if name := parts[1]; name != current && !strings.HasPrefix(line, current) {
			t.Errorf("%q among the samples of %s", line, current)
		}
	}
	return families
}

func BenchmarkRequestHook(b *testing.B) {
	m := newMetrics()
	b.ReportAllocs()
	for b.Loop() {
		m.request(zk.RequestInfo{Op: "getData"})
	}
}
