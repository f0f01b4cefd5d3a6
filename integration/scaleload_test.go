package integration

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/child"
	"github.com/zkfs/zkfs/zk"
)

// footing is what a mount holds, in its process and at the server.
type footing struct{ goroutines, descriptors, watches, sessions int }

// footing measures it. debug is the address of --debug-addr.
func (m *mounted) footing(t *testing.T, server, debug string) footing {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: hang}
	response, err := client.Get("http://" + debug + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	descriptors, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", m.daemon.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	descriptors = slices.DeleteFunc(descriptors, func(name string) bool {
		link, err := os.Readlink(name)
		// go-fuse keeps pipes, through which data goes to the kernel, and what it empties them into.
		return err != nil || strings.HasPrefix(link, "pipe:") || link == os.DevNull
	})
	return footing{number(t, string(text), `total (\d+)`), len(descriptors), watches(t, server), sessions(t, server)}
}

// returns waits until a mount holds no more than at the start. go-fuse keeps some goroutines that read requests.
func (m *mounted) returns(t *testing.T, server, debug string, start footing) {
	t.Helper()
	const readers = 8
	eventually(t, func() error {
		now := m.footing(t, server, debug)
		if now.goroutines > start.goroutines+readers || now.descriptors > start.descriptors || now.watches > start.watches || now.sessions > start.sessions {
			return fmt.Errorf("%+v, at the start %+v", now, start)
		}
		return nil
	})
}

// A mount that watches znode by znode sets a hundred thousand watches again after its connection broke, and sees all that changes
// meanwhile and later. When it ends, the server has no watch of it left.
func TestScaleWatches(t *testing.T) {
	t.Parallel()
	server := large(t)
	c := connect(t, []string{server})
	files := scaled(4_000, 50_000) // two watches each
	grow(t, c, "/w", files, 1000)
	before, clients := watches(t, server), sessions(t, server)
	way := newProxy(t, server)
	// What is known may be trusted for longer than the test takes: what is seen was brought by watches.
	m := mount(t, way.Addr()+"/w", "--watch=node", "--session-timeout=60s", "--max-age=1h", "--cache-size=1G")
	m.long(t, "find . -type f -size +1k")
	armed := m.armed(t)
	if armed < 2*files {
		t.Fatalf("%d watches for %d files", armed, files)
	}
	if n := watches(t, server) - before; n != armed {
		t.Errorf("the server has %d watches, the mount %d", n, armed)
	}
	t.Logf("%d watches, %d bytes resident", armed, m.resident(t))

	way.Break()
	eventually(t, func() error {
		if n := watches(t, server) - before; n != 0 {
			return fmt.Errorf("the server has %d watches of a connection that is gone", n)
		}
		return nil
	})
	rewrite(t, c, files, 0, "while it was away\n")
	start := time.Now()
	way.Mend()
	// A tenth of the data watches fire as soon as they are set again.
	eventually(t, func() error {
		if n := watches(t, server) - before; n < armed-files/10-1 {
			return fmt.Errorf("the server has %d watches, %d were set", n, armed)
		}
		return nil
	})
	t.Logf("set again after %v", time.Since(start))
	sees(t, m, "18c", files/10)
	rewrite(t, c, files, 5, "after it was back\n")
	sees(t, m, "18c", files/5)
	m.unmount(t)
	eventually(t, func() error {
		if w, s := watches(t, server), sessions(t, server); w != before || s != clients {
			return fmt.Errorf("%d watches and %d sessions, %d and %d before", w, s, before, clients)
		}
		return nil
	})
}

// rewrite sets the data of each tenth file, from a first one on.
func rewrite(t *testing.T, c *zk.Conn, files, first int, data string) {
	t.Helper()
	var ops []any
	for i := first; i < files; i += 10 {
		dir := i / 1000
		ops = append(ops, &zk.SetDataRequest{Path: fmt.Sprintf("/w/d%04d/d%04d/f%07d", dir/100, dir%100, i), Data: []byte(data), Version: -1})
	}
	for _, r := range c.Pipeline(ops...) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
}

// sees waits until so many files have a size.
func sees(t *testing.T, m *mounted, size string, want int) {
	t.Helper()
	eventually(t, func() error {
		out, _ := m.long(t, "find . -type f -size "+size+" | wc -l")
		if out != fmt.Sprintln(want) {
			return fmt.Errorf("%s files of %s, want %d", strings.TrimSpace(out), size, want)
		}
		return nil
	})
}

// Ten thousand files are open at once, read, and follow what others write.
func TestScaleOpenFiles(t *testing.T) {
	t.Parallel()
	server := large(t)
	c := connect(t, []string{server})
	files := scaled(2_000, 10_000)
	grow(t, c, "/w", files, 1000)
	debug := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	m := mount(t, server+"/w", "--debug-addr="+debug)
	m.long(t, "find . -size +1k")
	start := m.footing(t, server, debug)

	// The child opens all files, says so, waits for a line, reads them all again, and counts what it finds.
	const script = `ulimit -n 20000 && exec perl -e '
		for (glob "*/*/f*") { open(my $f, "<", $_) or die "$_: $!"; sysread($f, my $x, 200) == 100 or die; push @open, $f }
		$| = 1; print scalar(@open), "\n"; <STDIN>;
		for (@open) { sysseek($_, 0, 0); sysread($_, my $x, 200); $n{$x}++ }
		print "$_ $n{$_}\n" for sort keys %n'`
	cmd := exec.Command("bash", "-c", `cd "$0" && eval "$1"`, m.dir, script)
	cmd.Stderr = m.log
	p := child.Start(t, "the reader of all files", cmd)
	if opened := p.Answer(); opened != fmt.Sprint(files) {
		t.Errorf("%s files are open", opened)
	}
	if n := m.footing(t, server, debug); n.descriptors > start.descriptors+10 { // connections of the questions come and go
		t.Errorf("%+v while %d files are open, %+v before", n, files, start)
	}
	t.Logf("%d bytes resident with %d files open", m.resident(t), files)
	rewrite(t, c, files, 3, "after it was open\n")
	sees(t, m, "18c", files/10)
	p.Send("")
	var found string
	for line := range p.Answers() {
		found += line + "\n"
	}
	p.End()
	want := fmt.Sprintf("after it was open\n %d\n%s\n %d\n", files/10, strings.Repeat("x", 99), files-files/10)
	if found != want {
		t.Errorf("read %q, want %q", found, want)
	}
	m.returns(t, server, debug, start)
}

// Many processes work in one mount, each in a directory of its own and all on one file. Nothing fails, every line is appended once, and nothing is left.
func TestScaleProcesses(t *testing.T) {
	t.Parallel()
	server := large(t)
	create(t, connect(t, []string{server}), "/p", "", zk.FlagPersistent)
	processes, seconds := 16, 4
	if *scaleDir != "" {
		processes, seconds = 64, 150
	}
	debug := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	m := mount(t, server+"/p", "--debug-addr="+debug)
	m.sh(t, "touch all; ls; cat all; echo x > x; rm x; ls")
	start := m.footing(t, server, debug)
	const script = `set -e
		mkdir p$me; cd p$me; n=0
		while [ $SECONDS -lt $seconds ]; do
			mkdir d; echo $n > d/f; [ $(cat d/f) = $n ]; mv d/f d/g; cp d/g h; [ $(cat h) = $n ]
			[ "$(ls d)" = g ]; echo more >> h; [ $(wc -l < h) = 2 ]; stat -c %s .. ../all > /dev/null
			rm -r d h; n=$((n+1))
			[ $((n % 5)) != 0 ] || echo $me >> ../all
		done
		cd ..; rmdir p$me; echo $n`
	var all sync.WaitGroup
	counts := make([]int, processes)
	begun := time.Now()
	for i := range processes {
		all.Go(func() {
			cmd := exec.Command("bash", "-c", `cd "$0" && eval "$1"`, m.dir, fmt.Sprintf("me=%d seconds=%d\n%s", i, seconds, script))
			out, err := cmd.CombinedOutput()
			if _, scanErr := fmt.Sscan(string(out), &counts[i]); err != nil || scanErr != nil {
				t.Errorf("process %d: %v\n%s", i, err, out)
			}
		})
	}
	all.Wait()
	total := 0
	lines := map[string]int{}
	for line := range strings.Lines(m.sh(t, "cat all")) {
		lines[strings.TrimSpace(line)]++
	}
	for i, n := range counts {
		if total += n; lines[fmt.Sprint(i)] != n/5 {
			t.Errorf("process %d appended %d lines, there are %d", i, n/5, lines[fmt.Sprint(i)])
		}
	}
	t.Logf("%d rounds of %d processes in %v, %d bytes resident", total, processes, time.Since(begun), m.resident(t))
	if out := m.sh(t, "ls"); out != "all\n" {
		t.Errorf("there is %s", out)
	}
	m.returns(t, server, debug, start)
}
