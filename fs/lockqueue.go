package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/zkfs/zkfs/internal/calls"
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
)

// contender is a client that holds a lock or waits for it.
type contender struct {
	path   string
	shared bool
	stat   *zk.Stat
	note   string // what it says about itself
}

// A client that may create a contender may give it as much data as a znode can have, and there may
// be any number of them. So the queue is read in pages, and no more of it than can be shown.
const (
	queuePage  = 32      // contenders
	queueBytes = 4 << 20 // of data. Of what comes behind, the length is shown
	noteBytes  = 4 << 10 // that are shown of one contender
)

// contenders returns the contenders for the lock at path, the holder first.
func contenders(ctx context.Context, e *ensemble.Ensemble, path string) ([]zk.Contender, error) {
	s, err := e.List(ctx, path)
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return zk.LockQueue(s.Children.All()), nil
}

// readQueue returns what is to be shown of the contenders for the lock at path, the holder first.
func readQueue(ctx context.Context, e *ensemble.Ensemble, path string) (queue []contender, err error) {
	all, err := contenders(ctx, e, path)
	if err != nil {
		return nil, err
	}
	for read := 0; len(all) > 0; {
		page := make([]string, min(len(all), queuePage))
		found := make([]contender, len(page))
		for i, c := range all[:len(page)] {
			page[i] = ensemble.Join(path, c.Name)
			found[i] = contender{path: page[i], shared: c.Shared}
		}
		all = all[len(page):]
		each := func(i int, s ensemble.Snapshot) { found[i].stat, found[i].note = s.Stat, noteOf(s) }
		if read < queueBytes {
			var size int
			size, err = e.Many(ctx, page, each)
			read += size
		} else {
			err = e.Lengths(ctx, page, each)
		}
		if err != nil {
			return nil, err
		}
		for _, c := range found {
			if c.stat != nil {
				queue = append(queue, c)
			}
		}
	}
	return queue, nil
}

// noteOf returns what is shown of the data of a contender.
func noteOf(s ensemble.Snapshot) string {
	switch {
	case s.Stat == nil:
		return ""
	case len(s.Data) > noteBytes:
		return fmt.Sprintf("%s... (%d bytes)", oneLine(s.Data[:noteBytes]), s.Stat.DataLength)
	case !s.HasData && s.Stat.DataLength > 0:
		return fmt.Sprintf("(%d bytes)", s.Stat.DataLength)
	}
	return oneLine(s.Data)
}

// queueText is what a lock file without data of its own reads as: a line for each contender, the
// holder first.
func queueText(queue []contender) []byte {
	var b bytes.Buffer
	for _, c := range queue {
		how := "exclusive"
		if c.shared {
			how = "shared"
		}
		sequence := c.path[max(0, len(c.path)-10):]
		since := time.UnixMilli(c.stat.Ctime).UTC().Format(time.RFC3339)
		fmt.Fprintf(&b, "%s %#x %s %s %s\n", sequence, uint64(c.stat.EphemeralOwner), since, how, c.note)
	}
	return b.Bytes()
}

// oneLine returns what a contender says about itself, quoted if it would not stay on one line.
func oneLine(data []byte) string {
	text := strings.TrimSpace(string(data))
	if quoted := strconv.Quote(text); len(quoted) != len(text)+2 {
		return quoted
	}
	return text
}

// lockState is the value of user.zk.lock.
func lockState(ctx context.Context, e *ensemble.Ensemble, path string) (xattr.Lock, error) {
	queue, err := readQueue(ctx, e, path)
	if err != nil || len(queue) == 0 {
		return xattr.Lock{}, err
	}
	return xattr.Lock{Queue: len(queue), Zxid: queue[0].stat.Czxid, Holder: queue[0].note}, nil
}

// maxTold is how much a contender tells of its program and of what it was given to tell, each.
const maxTold = 200

// describe returns what the contender of a thread says about itself.
func describe(thread uint32) string {
	process := int(calls.Process(thread))
	name, err := os.ReadFile("/proc/" + strconv.Itoa(process) + "/comm")
	if err != nil {
		name = nil // it lives in another PID namespace
	}
	return Contender(process, string(name), "")
}

// Contender returns what a process that contends for a lock says about itself: host, process and
// program, and the note. Its arguments are left out: they may hold secrets, and all clients that may
// read the lock read this.
func Contender(process int, program, note string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	text := fmt.Sprintf("%s %d %s %s", host, process, clip(program), clip(note))
	return strings.TrimSpace(text)
}

// clip returns the beginning of a text, as valid UTF-8.
func clip(text string) string {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "?"))
	return strings.ToValidUTF8(text[:min(len(text), maxTold)], "")
}
