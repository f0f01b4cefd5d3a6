package orders

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// watches is what an agent watches by inotify.
type watches struct {
	fd     int
	paths  map[int32]string
	unread []string
}

var watching = watches{-1, map[int32]string{}, nil}

// watchCall makes one call of inotify.
func watchCall(call string, args []string) (string, error, bool) {
	w := &watching
	switch call {
	case "thread": // which makes all calls from now on
		runtime.LockOSThread()
		return strconv.Itoa(unix.Gettid()), nil, true
	case "watch": // PATH
		if w.fd < 0 {
			fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
			if err != nil {
				return "", err, true
			}
			w.fd = fd
		}
		wd, err := unix.InotifyAddWatch(w.fd, args[0], unix.IN_ALL_EVENTS)
		w.paths[int32(wd)] = args[0]
		return "", err, true
	case "events": // LAST: all events up to that one
		var seen []string
		for {
			for len(w.unread) > 0 {
				e := w.unread[0]
				w.unread = w.unread[1:]
				if seen = append(seen, e); e == args[0] {
					return strings.Join(seen, ", "), nil, true
				}
			}
			buf := make([]byte, 64<<10)
			n, err := unix.Read(w.fd, buf)
			if err != nil {
				return "", err, true
			}
			w.parse(buf[:n])
		}
	}
	return "", nil, false
}

// inotifyNames are the events in the order in which they are named.
var inotifyNames = []struct {
	bit  uint32
	name string
}{
	{unix.IN_ACCESS, "ACCESS"}, {unix.IN_MODIFY, "MODIFY"}, {unix.IN_ATTRIB, "ATTRIB"},
	{unix.IN_CLOSE_WRITE, "CLOSE_WRITE"}, {unix.IN_CLOSE_NOWRITE, "CLOSE_NOWRITE"},
	{unix.IN_OPEN, "OPEN"}, {unix.IN_MOVED_FROM, "MOVED_FROM"}, {unix.IN_MOVED_TO, "MOVED_TO"},
	{unix.IN_CREATE, "CREATE"}, {unix.IN_DELETE, "DELETE"}, {unix.IN_DELETE_SELF, "DELETE_SELF"},
	{unix.IN_UNMOUNT, "UNMOUNT"}, {unix.IN_Q_OVERFLOW, "Q_OVERFLOW"}, {unix.IN_IGNORED, "IGNORED"},
	{unix.IN_ISDIR, "ISDIR"},
}

// parse reads events (inotify(7)) and writes each as PATH:EVENT[+EVENT...][ NAME].
func (w *watches) parse(b []byte) {
	for len(b) >= unix.SizeofInotifyEvent {
		wd, mask := int32(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint32(b[4:])
		size := int(binary.NativeEndian.Uint32(b[12:]))
		name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:][:size]), "\x00")
		b = b[unix.SizeofInotifyEvent+size:]
		var events []string
		for _, e := range inotifyNames {
			if mask&e.bit != 0 {
				events = append(events, e.name)
			}
		}
		text := fmt.Sprintf("%s:%s %s", w.paths[wd], strings.Join(events, "+"), name)
		w.unread = append(w.unread, strings.TrimSpace(text))
	}
}
