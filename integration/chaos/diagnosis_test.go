package chaos

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/zkfs/zkfs/flw"
)

// diagnosis tells what servers, ways and daemons are doing, for whoever asks why a mount does not recover. The goroutines of the daemons
// go to a file, if there is a folder for them.
func (c *chaos) diagnosis() string {
	var b strings.Builder
	for i := range c.e.Servers {
		fmt.Fprintf(&b, "server %d: process %s; directly: %s\n", i+1, processOf(c.e.Servers[i].Srv.ConfigPath), answer(c.e.addr(i)))
		for _, s := range append(c.mounts, c.clients...) {
			fmt.Fprintf(&b, "\tby the way of %s: %s\n", s.name, answer(s.ways[i].Addr()))
		}
		fmt.Fprintf(&b, "\tthe end of its log:\n%s\n", end(c.e.log(i), 3000))
	}
	for _, s := range c.mounts {
		status := filepath.Join(s.daemon.dir, ".status")
		ctx, cancel := context.WithTimeout(context.Background(), 2*callTimeout)
		text, err := exec.CommandContext(ctx, "head", "-c", "3000", status).CombinedOutput()
		cancel()
		fmt.Fprintf(&b, "%s: process %s; status (%v):\n%s\nthe end of its log:\n%s\n", s.name, processOf(s.daemon.dir), err, text, end(s.daemon.log, 3000))
		if *outDir == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(*outDir, s.name+".goroutines"), s.daemon.stacks(), 0o644); err != nil {
			c.Error(err)
		}
	}
	return b.String()
}

// answer returns what a server says about itself there, on one line.
func answer(addr string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	text, err := flw.Ask(ctx, addr, "srvr")
	if err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(text), " ")
}

// processOf returns the number and the state of the processes that were given an argument: T is one that is frozen.
func processOf(arg string) string {
	var found []string
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range all {
		args, _ := os.ReadFile(proc + "/cmdline")
		if !bytes.Contains(append([]byte{0}, args...), []byte("\x00"+arg+"\x00")) {
			continue
		}
		status, _ := os.ReadFile(proc + "/status")
		_, state, _ := strings.Cut(string(status), "\nState:\t")
		state, _, _ = strings.Cut(state, "\n")
		found = append(found, filepath.Base(proc)+" "+state)
	}
	if len(found) == 0 {
		return "gone"
	}
	return strings.Join(found, ", ")
}

// stacks returns what the goroutines of the daemon do.
func (d *daemon) stacks() []byte {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(d.goroutines)
	if err != nil {
		return []byte(err.Error())
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

// end returns the end of a log, without what it says about questions like those of answer.
func end(path string, size int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for line := range strings.Lines(string(text[max(0, len(text)-20*size):])) {
		if !strings.Contains(line, "NIOServerCnxn - Processing") {
			b.WriteString(line)
		}
	}
	return b.String()[max(0, b.Len()-size):]
}
