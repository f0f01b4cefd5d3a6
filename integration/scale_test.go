package integration

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// The tests of scale run small by default. With this flag they take their full size, many minutes, and plot what they measure.
var scaleDir = flag.String("scale", "", "run the tests of scale in full, and write scale.svg into this `folder`")

// scaled returns a size: that of the default run, less with the race detector, or the full one.
func scaled(short, full int) int {
	switch {
	case *scaleDir != "":
		return full
	case raceDetector:
		return short / 2
	}
	return short
}

// large starts a server for many znodes.
func large(t *testing.T) string {
	t.Helper()
	ts := cluster(t, 1, func(_ int, _ *zk.ServerConfig, srv *zk.Server) {
		const frames = "-Djute.maxbuffer=8388608"
		if *scaleDir == "" {
			srv.JVMFlags = append(srv.JVMFlags, "-Xmx512m", frames)
			return
		}
		// Not those of a server that starts fast.
		srv.JVMFlags = []string{superDigest, "-Xmx3g", "-XX:+UseParallelGC", "-XX:-UsePerfData", frames}
	})
	return addr(ts.Servers[0])
}

// grow makes root with files below it, each with 100 bytes, fan of them in a directory and a hundred directories in one.
// It returns how many znodes that are.
func grow(t *testing.T, c *zk.Conn, root string, files, fan int) (znodes int) {
	t.Helper()
	acl := zk.WorldACL(zk.PermAll)
	data := []byte(strings.Repeat("x", 99) + "\n")
	var ops []any
	add := func(path string, data []byte) {
		ops = append(ops, &zk.CreateRequest{Path: path, Data: data, Acl: acl})
		znodes++
	}
	send := func() {
		if _, err := c.Multi(ops...); err != nil {
			t.Fatal(err)
		}
		ops = ops[:0]
	}
	add(root, nil)
	var upper, dir string
	for i := range files {
		if i%(100*fan) == 0 {
			upper = fmt.Sprintf("%s/d%04d", root, i/(100*fan))
			add(upper, nil)
		}
		if i%fan == 0 {
			dir = fmt.Sprintf("%s/d%04d", upper, i/fan%100)
			add(dir, nil)
		}
		add(fmt.Sprintf("%s/f%07d", dir, i), data)
		if len(ops) >= 1000 {
			send()
		}
	}
	send()
	return znodes
}

// long runs a shell script in the mounted folder, and returns what it prints and how long it took.
func (m *mounted) long(t *testing.T, script string) (string, time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", `cd "$0" && eval "$1"`, m.dir, script)
	cmd.WaitDelay = time.Second
	start := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("$ %s\n%s%v", script, out, err)
	}
	return string(out), time.Since(start)
}

// resident returns how many bytes of the daemon are in memory.
func (m *mounted) resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.daemon.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return 1024 * number(t, string(text), `VmRSS:\s+(\d+) kB`)
}

// number returns the number that a regular expression finds.
func number(t *testing.T, text, pattern string) int {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no %s in %s", pattern, text)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// cached and armed return what /.status says of the mount.
func (m *mounted) cached(t *testing.T) (znodes, bytes int) {
	t.Helper()
	status := m.sh(t, "cat .status")
	return number(t, status, `(?m)^cache +(\d+) znodes`), number(t, status, `(?m)^cache +\d+ znodes, (\d+) bytes`)
}

func (m *mounted) armed(t *testing.T) int {
	t.Helper()
	return number(t, m.sh(t, "cat .status"), `(?m)^watch +\S+ (\d+) one-shot`)
}

// watches and sessions return what a server says. The word wchs leaves out the watches of children.
func watches(t *testing.T, server string) int {
	t.Helper()
	return number(t, monitored(t, server), `zk_watch_count\s+(\d+)`)
}

func sessions(t *testing.T, server string) int {
	t.Helper()
	return number(t, monitored(t, server), `zk_global_sessions\s+(\d+)`)
}

// monitored asks until the server, which may be busy with a hundred thousand watches, has time to answer.
func monitored(t *testing.T, server string) (answer string) {
	t.Helper()
	eventually(t, func() (err error) {
		answer, err = ask(server, "mntr")
		return err
	})
	return answer
}

// A tree of a million znodes is mounted, walked and walked again. What a znode costs does not depend on how many there are.
func TestScaleTree(t *testing.T) {
	t.Parallel()
	server := large(t)
	c := connect(t, []string{server})
	sizes := []int{scaled(2_000, 0), scaled(20_000, 0)}
	if *scaleDir != "" {
		sizes = []int{10_000, 30_000, 100_000, 300_000, 1_000_000}
	}
	const walk = "find . -size +1k; find . | wc -l"
	var points []point
	for _, files := range sizes {
		root := fmt.Sprintf("/t%d", files)
		znodes := grow(t, c, root, files, 100)
		m := mount(t, server+root, "--cache-size=2G", "--session-timeout=60s", "--max-age=1h")
		m.sh(t, "ls -d .; cat .status >/dev/null")
		empty := m.resident(t)
		p := point{znodes: znodes}
		var out string
		if out, p.cold = m.long(t, walk); out != fmt.Sprintln(znodes) {
			t.Errorf("found %s of %d znodes", out, znodes)
		}
		p.memory = m.resident(t) - empty
		if known, bytes := m.cached(t); known < znodes {
			t.Errorf("%d of %d znodes are known", known, znodes)
		} else {
			t.Logf("%d znodes count as %d bytes, and take %d", known, bytes, p.memory)
		}
		_, p.warm = m.long(t, walk)
		t.Log(p)
		points = append(points, p)
		if limit := 2 << 30; m.resident(t) > limit {
			t.Errorf("%d bytes are resident, want less than %d", m.resident(t), limit)
		}
		m.unmount(t)
	}
	last := points[len(points)-1]
	if first := points[0]; !raceDetector && last.perZnode() > 2*first.perZnode() && last.perZnode() > 2000 {
		t.Errorf("%d bytes for each of %d znodes, %d for each of %d", last.perZnode(), last.znodes, first.perZnode(), first.znodes)
	}
	if *scaleDir != "" {
		plot(t, filepath.Join(*scaleDir, "scale.svg"), points)
	}
}

// A mount whose cache holds a small part of the tree that is walked stays within its size, and the kernel and the server forget the rest.
func TestScaleCacheSize(t *testing.T) {
	t.Parallel()
	server := large(t)
	znodes := grow(t, connect(t, []string{server}), "/t", scaled(20_000, 1_000_000), 100)
	size := scaled(4<<20, 64<<20)
	m := mount(t, server+"/t", fmt.Sprintf("--cache-size=%d", size), "--session-timeout=60s", "--timeout=30s")
	for range 2 {
		out, took := m.long(t, "find . -not -size +1k | wc -l")
		if out != fmt.Sprintln(znodes) {
			t.Errorf("found %s of %d znodes", out, znodes)
		}
		known, bytes := m.cached(t)
		t.Logf("with a cache of %d bytes: %d of %d znodes known, %d bytes resident, %v", size, known, znodes, m.resident(t), took)
		if bytes > size {
			t.Errorf("%d bytes cached, want %d at most", bytes, size)
		}
		if limit := size + size/2 + 160<<20; !raceDetector && m.resident(t) > limit {
			t.Errorf("%d bytes are resident, want %d at most", m.resident(t), limit)
		}
		eventually(t, func() error { // what the kernel was asked to forget is forgotten
			if known, _ := m.cached(t); known > size/500 {
				return fmt.Errorf("%d znodes are known", known)
			}
			if n := watches(t, server); n > size/10_000 { // a directory has one
				return fmt.Errorf("%d watches", n)
			}
			return nil
		})
	}
}

// A directory with a hundred thousand children is listed, and one of them looked at, created and removed as in any other.
func TestScaleDirectory(t *testing.T) {
	t.Parallel()
	server := large(t)
	c := connect(t, []string{server})
	files := scaled(5_000, 100_000)
	grow(t, c, "/wide", files, files)
	m := mount(t, server+"/wide/d0000/d0000")
	for _, step := range []struct{ script, want string }{
		{"ls | wc -l", fmt.Sprintln(files)},
		{"stat -c %s f0000007", "100\n"},
		{"ls -l | grep -c ' 100 '", fmt.Sprintln(files)},
		{"[ -e none ] || echo missing", "missing\n"},
		{"echo new > g; cat g; ls | wc -l", fmt.Sprintf("new\n%d\n", files+1)},
		{"rm g; ls | wc -l", fmt.Sprintln(files)},
		{"for i in {1..50}; do echo $i > g$i; done; rm g*; ls | wc -l", fmt.Sprintln(files)},
	} {
		out, took := m.long(t, step.script)
		if out != step.want {
			t.Errorf("%s: %q, want %q", step.script, out, step.want)
		}
		t.Logf("%s: %v", step.script, took)
	}
}
