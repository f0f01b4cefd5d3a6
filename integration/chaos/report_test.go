package chaos

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/history"
)

// freeAddr returns an address that nobody listens at.
func freeAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// sample is what all daemons take at a time.
type sample struct {
	at  int64
	use []usage
}

// sampler looks at the daemons from time to time.
type sampler struct {
	mounts  []*side
	samples []sample
}

// sampleEvery is the width of the columns of the report.
const sampleEvery = 5 * time.Second

func (s *sampler) run(ctx context.Context) {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		one := sample{at: now()}
		for _, m := range s.mounts {
			one.use = append(one.use, m.daemon.usage())
		}
		s.samples = append(s.samples, one)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// row is a line of samples.csv: a mount at a time.
type row struct {
	seconds float64
	mount   string
	usage
	calls         int
	p50, p99, max float64 // milliseconds, of the slowest system call of an operation
}

// rows joins the samples with the operations that ended before the next one.
func (c *chaos) rows(r *history.Run) []row {
	var rows []row
	samples := c.watch.samples
	for m, side := range c.mounts {
		took := make([][]int64, len(samples))
		for _, op := range r.Ops {
			i, _ := slices.BinarySearchFunc(samples, op.End, func(s sample, at int64) int { return int(min(max(s.at-at, -1), 1)) })
			if side.owns(op) && op.Kind != history.Lock && op.End != 0 && i > 0 {
				took[i-1] = append(took[i-1], op.Slowest)
			}
		}
		for i, s := range samples {
			slices.Sort(took[i])
			at := func(part float64) float64 {
				if len(took[i]) == 0 {
					return 0
				}
				return float64(took[i][int(part*float64(len(took[i])-1))]) / 1e6
			}
			rows = append(rows, row{
				seconds: float64(s.at-samples[0].at) / 1e9, mount: side.name, usage: s.use[m],
				calls: len(took[i]), p50: at(0.5), p99: at(0.99), max: at(1),
			})
		}
	}
	return rows
}

// report logs what happened, and writes it to files if that is asked for.
func (c *chaos) report(r *history.Run) {
	outcomes := map[string]int{}
	for _, op := range r.Ops {
		outcomes[fmt.Sprint(op.Kind, " ", op.Outcome)]++
	}
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range c.tally {
			if !yield(name) {
				return
			}
		}
	})
	faults := [][]string{{"fault", "times", "slowest recovery ms"}}
	for _, name := range names {
		n := c.tally[name]
		faults = append(faults, []string{name, strconv.Itoa(n.times), strconv.FormatInt(n.slowest.Milliseconds(), 10)})
	}
	c.Logf("%d operations: %v; %d changes; faults: %v", len(r.Ops), outcomes, len(r.Changes), faults[1:])
	c.Logf("%d reads that may have been cut: %v", len(r.Cut), errors.Join(r.Cut[:min(len(r.Cut), 10)]...))
	c.slowest(r)
	for _, m := range c.mounts {
		c.Logf("%s was killed in a notification, and ended when its companion ended the connection, %d times", m.name, m.daemon.held)
	}
	c.Logf("the servers came to a stand, and were started anew, %d times", c.e.stands)
	if *outDir == "" {
		return
	}
	rows := c.rows(r)
	lines := [][]string{{"seconds", "mount", "rss MiB", "descriptors", "goroutines", "operations", "p50 ms", "p99 ms", "max ms"}}
	for _, r := range rows {
		lines = append(lines, []string{
			fmt.Sprintf("%.0f", r.seconds), r.mount, strconv.Itoa(r.rss), strconv.Itoa(r.descriptors.total()), strconv.Itoa(r.goroutines),
			strconv.Itoa(r.calls), fmt.Sprintf("%.2f", r.p50), fmt.Sprintf("%.2f", r.p99), fmt.Sprintf("%.2f", r.max),
		})
	}
	files := map[string]string{
		"samples.csv": commas(lines), "faults.csv": commas(faults), "chart.svg": chart(rows), "history.txt": story(r),
	}
	for _, s := range c.mounts {
		text, err := os.ReadFile(s.daemon.log)
		if err != nil {
			c.Error(err)
		}
		files[s.name+".log"] = string(text)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(*outDir, name), []byte(content), 0o644); err != nil {
			c.Error(err)
		}
	}
}

// slowest logs the system calls that took longest, but for those that had to wait for a frozen daemon.
func (c *chaos) slowest(r *history.Run) {
	took := map[*history.Op]time.Duration{}
	var calls []*history.Op
	for _, op := range r.Ops {
		if took[op] = history.Took(r, op); op.End != 0 && took[op] > callTimeout/2 {
			calls = append(calls, op)
		}
	}
	slices.SortFunc(calls, func(a, b *history.Op) int { return cmp.Compare(took[b], took[a]) })
	c.Logf("%d system calls took longer than %v, the slowest:", len(calls), callTimeout/2)
	for _, op := range calls[:min(len(calls), 10)] {
		c.Logf("%s %v: %v", op.Call, took[op].Round(time.Millisecond), op)
	}
}

func commas(lines [][]string) string {
	var b strings.Builder
	csv.NewWriter(&b).WriteAll(lines)
	return b.String()
}

// story is the whole history as text, operations and changes in the order of their time or zxid.
func story(r *history.Run) string {
	var b strings.Builder
	ops := slices.SortedFunc(slices.Values(r.Ops), func(a, b *history.Op) int { return cmp.Compare(a.Start, b.Start) })
	for _, op := range ops {
		fmt.Fprintf(&b, "%s %s\n", op.View, op)
	}
	for _, c := range r.Changes {
		fmt.Fprintf(&b, "%#x by %#x: %d %s version %d: %s %.60q\n", c.Zxid, c.Session, c.Kind, c.Path, c.Version, history.Digest(c.Data), c.Data)
	}
	return b.String()
}
