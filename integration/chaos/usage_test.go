package chaos

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// usage is what a daemon takes.
type usage struct {
	rss         int // MiB
	descriptors descriptors
	goroutines  int // 0 if it does not say
}

// descriptors counts the descriptors of a process by their kind: socket, pipe, file, or what the
// kernel calls it.
type descriptors map[string]int

func (d *daemon) usage() usage {
	d.mu.Lock()
	pid := d.pid
	d.mu.Unlock()
	u := usage{descriptors: descriptorsOf(pid)}
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if n, err := fmt.Sscanf(line, "VmRSS: %d kB", &u.rss); n == 1 && err == nil {
			u.rss /= 1024
		}
	}
	client := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(d.metrics)
	if err != nil {
		return u // frozen, or dead
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	for line := range strings.Lines(string(body)) {
		fmt.Sscanf(line, "go_goroutines %d", &u.goroutines)
	}
	return u
}

// descriptorsOf returns those of a process, none if it has ended.
func descriptorsOf(pid int) descriptors {
	all := descriptors{}
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil { // it was closed just now
			continue
		}
		kind, _, _ := strings.Cut(target, ":[") // socket:[inode], pipe:[inode]
		if after, ok := strings.CutPrefix(target, "anon_inode:"); ok {
			kind = strings.Trim(after, "[]")
		} else if strings.HasPrefix(target, "/") && target != "/dev/fuse" {
			kind = "file"
		}
		all[kind]++
	}
	return all
}

func (d descriptors) total() (n int) {
	for _, count := range d {
		n += count
	}
	return n
}

// spare is what a daemon may have beyond what it had at the start, without a fault but at any time.
// Of what is not here it may have nothing: it opens no files, and reads are answered without pipes.
var spare = descriptors{
	"socket": 2, // a connection that it has given up, and a question about metrics
}

// spareGoroutines is for requests that are being answered.
const spareGoroutines = 20

// leaked returns what a daemon that takes u holds without need, if first is what it took at the
// start.
func (u usage) leaked(first usage) error {
	for _, kind := range slices.Sorted(maps.Keys(u.descriptors)) {
		if u.descriptors[kind] > first.descriptors[kind]+spare[kind] {
			return fmt.Errorf("descriptors of kind %s: %d, at the start %d", kind, u.descriptors[kind], first.descriptors[kind])
		}
	}
	if u.goroutines > first.goroutines+spareGoroutines {
		return fmt.Errorf("goroutines: %d, at the start %d", u.goroutines, first.goroutines)
	}
	return nil
}

// A process that keeps a socket, a pipe or a file more than at its start is seen to leak.
func TestLeaksAreSeen(t *testing.T) {
	open := func() descriptors { return descriptorsOf(os.Getpid()) }
	l, err := net.Listen("tcp", "127.0.0.1:0") // and with it the poller of the runtime, which stays
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	first := usage{descriptors: open()}
	if err := (usage{descriptors: open()}).leaked(first); err != nil {
		t.Errorf("without a leak: %v", err)
	}
	for kind, leak := range map[string]func() []io.Closer{
		"socket": func() []io.Closer {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			return []io.Closer{c}
		},
		"pipe": func() []io.Closer {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			return []io.Closer{r, w}
		},
		"file": func() []io.Closer {
			f, err := os.Create(filepath.Join(t.TempDir(), "f"))
			if err != nil {
				t.Fatal(err)
			}
			return []io.Closer{f}
		},
	} {
		var kept []io.Closer
		for range spare[kind] {
			kept = append(kept, leak()...)
		}
		if err := (usage{descriptors: open()}).leaked(first); err != nil {
			t.Errorf("%s, no more than may be spare: %v", kind, err)
		}
		kept = append(kept, leak()...)
		if err := (usage{descriptors: open()}).leaked(first); err == nil || !strings.Contains(err.Error(), kind) {
			t.Errorf("%s: %v, want a leak", kind, err)
		}
		for _, c := range kept {
			c.Close()
		}
	}
	if err := (usage{goroutines: spareGoroutines + 1}).leaked(usage{}); err == nil {
		t.Error("goroutines: no leak is seen")
	}
}
