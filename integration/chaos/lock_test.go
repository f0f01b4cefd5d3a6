package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/internal/history"
)

// lock takes the lock, looks a few times whether it is still held, and gives it back.
func (w *worker) lock() {
	fd, err := unix.Open(w.at(lockName), unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	o := w.begin(history.Op{Kind: history.Lock, Path: lockName})
	if err := unix.Flock(fd, unix.LOCK_EX); err != nil {
		o.end(history.Failed, err)
		return
	}
	granted := now()
	fence, err := w.fence()
	if err != nil {
		o.end(history.Failed, err)
		return
	}
	o.Fence = fence
	o.end(history.OK, nil)
	o.End = granted
	o.write()
	for range hold(w.rand) {
		touch := w.begin(history.Op{Kind: history.Touch, Path: lockName, Fence: fence})
		err := touch.call("pread", func() error {
			_, err := unix.Pread(fd, make([]byte, 100), 0)
			return err
		})
		touch.end(certain(err, err), err)
		if err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// hold draws how often a holder looks: seldom for much longer than a session lasts without its servers.
func hold(r *rand.Rand) int {
	if r.IntN(12) == 0 {
		return 300
	}
	return 1 + r.IntN(10)
}

// fence returns the fencing number of the lock, which this process holds. It fails if another does by now.
func (w *worker) fence() (int64, error) {
	text := make([]byte, 1000)
	n, err := unix.Getxattr(w.at(lockName), "user.zk.lock", text)
	if err != nil {
		return 0, err
	}
	value := string(text[:n])
	_, after, found := strings.Cut(value, "zxid=0x")
	hex, _, _ := strings.Cut(after, " ")
	if !found || !strings.Contains(value, fmt.Sprintf(" %d ", os.Getpid())) {
		return 0, errors.New("held by another: " + value)
	}
	return strconv.ParseInt(hex, 16, 64)
}
