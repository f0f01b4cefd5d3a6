package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// How long a change by another client takes until inotifywait(1), which watches the mount, prints it.

// watchedFolder has the files that are changed in turn, so that none is changed again before the
// mount may tell of it again.
const watchedFolder, watchedFiles = "d000", 100

// eventsSeen compares that with the event of a client that watches the same znodes.
func eventsSeen(r *report, s *server, zkfs string) error {
	c, m, end, err := clientAndMount(s, zkfs)
	if err != nil {
		return err
	}
	defer end()
	var told []time.Duration
	return r.compare("a change is told: median", side{"watch", func() (time.Duration, error) {
		events, at, err := bothTold(c, s.addr, filepath.Join(m.dir, watchedFolder))
		told = at
		return nth(events, 0.5), err
	}}, side{"inotifywait", func() (time.Duration, error) { return nth(told, 0.5), nil }})
}

// bothTold returns the times from a Set to its event at a client with a persistent watch, and until
// inotifywait has printed it.
func bothTold(c *zk.Conn, addr, dir string) (events, told []time.Duration, err error) {
	watching, err := dialOurs(addr)
	if err != nil {
		return nil, nil, err
	}
	defer watching.Close()
	w, err := watching.AddWatch(treePath+"/"+watchedFolder, zk.AddWatchPersistentRecursive)
	if err != nil {
		return nil, nil, err
	}
	came := make(chan time.Duration, 1)
	go func() { // ends with watching
		for range w.Events() {
			came <- monotonic()
		}
	}()
	inotify, err := inotifywait(dir)
	if err != nil {
		return nil, nil, err
	}
	defer inotify.end()
	for i := range uint64(changes + 1) {
		name := fmt.Sprintf("f%05d", i%watchedFiles)
		start := monotonic()
		if _, err := c.Set(treePath+"/"+watchedFolder+"/"+name, value(i), -1); err != nil {
			return nil, nil, err
		}
		event := <-came
		if err := inotify.next(name); err != nil {
			return nil, nil, err
		}
		if i > 0 { // by the first one the mount finds the watch
			events, told = append(events, event-start), append(told, monotonic()-start)
		}
	}
	return events, told, nil
}

// watcher is inotifywait, which prints the names of files that were changed.
type watcher struct {
	cmd   *exec.Cmd
	names *bufio.Scanner
}

// inotifywait starts one and waits until it watches. The kernel knows the folder then.
func inotifywait(dir string) (*watcher, error) {
	if _, err := os.ReadDir(dir); err != nil {
		return nil, err
	}
	cmd := exec.Command("inotifywait", "-m", "-e", "close_write", "--format", "%f", dir)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w := &watcher{cmd, bufio.NewScanner(stdout)}
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if lines.Text() == "Watches established." {
			return w, nil
		}
	}
	w.end()
	return nil, errors.New("inotifywait does not watch")
}

// next waits until the name is printed.
func (w *watcher) next(name string) error {
	for w.names.Scan() {
		if w.names.Text() == name {
			return nil
		}
	}
	return io.ErrUnexpectedEOF
}

func (w *watcher) end() {
	w.cmd.Process.Kill()
	w.cmd.Wait()
}
