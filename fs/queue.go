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

	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
)

// contender is one who holds a lock or waits for it.
type contender struct {
	path   string
	shared bool
	stat   *zk.Stat
	data   []byte
}

// queue returns the contenders for the lock at path, the holder first.
func (f *FS) queue(ctx context.Context, path string) ([]contender, error) {
	s, err := f.view.list(ctx, path)
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names := zk.Contenders(s.names.all())
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = join(path, name)
	}
	found := make([]snapshot, len(paths))
	if _, err := f.view.many(ctx, paths, func(i int, s snapshot) { found[i] = s }); err != nil {
		return nil, err
	}
	var queue []contender
	for i, s := range found {
		if s.stat != nil {
			queue = append(queue, contender{paths[i], zk.IsSharedContender(names[i]), s.stat, s.data})
		}
	}
	return queue, nil
}

// queueText is what a lock file without data of its own reads as: a line for each contender, the holder first.
func queueText(queue []contender) []byte {
	var b bytes.Buffer
	for _, c := range queue {
		how := "exclusive"
		if c.shared {
			how = "shared"
		}
		sequence := c.path[max(0, len(c.path)-10):]
		since := time.UnixMilli(c.stat.Ctime).UTC().Format(time.RFC3339)
		fmt.Fprintf(&b, "%s %#x %s %s %s\n", sequence, uint64(c.stat.EphemeralOwner), since, how, oneLine(c.data))
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
func (f *FS) lockState(ctx context.Context, path string) (xattr.Lock, error) {
	queue, err := f.queue(ctx, path)
	if err != nil || len(queue) == 0 {
		return xattr.Lock{}, err
	}
	return xattr.Lock{Queue: len(queue), Zxid: queue[0].stat.Czxid, Holder: oneLine(queue[0].data)}, nil
}

// maxCommand is how much of a command line a contender shows.
const maxCommand = 200

// describe returns what the contender of a thread says about itself.
func describe(thread uint32) string {
	process := processOf(thread)
	line, err := os.ReadFile("/proc/" + strconv.FormatUint(uint64(process), 10) + "/cmdline")
	if err != nil {
		line = nil // it lives in another PID namespace
	}
	return Contender(int(process), strings.Split(strings.TrimRight(string(line), "\x00"), "\x00"))
}

// Contender returns what a process that contends for a lock says about itself: host, process and command.
func Contender(process int, args []string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	command := strings.TrimSpace(strings.ToValidUTF8(strings.Join(args, " "), "?"))
	if len(command) > maxCommand {
		command = strings.ToValidUTF8(command[:maxCommand], "")
	}
	return strings.TrimSpace(fmt.Sprintf("%s %d %s", host, process, command))
}
