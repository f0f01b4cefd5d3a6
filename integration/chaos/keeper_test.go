package chaos

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/internal/history"
)

// keep looks again and again at a file that nobody else on this mount opens: by a descriptor that stays open, and by its name. So it
// sees what the kernel keeps, which an open would look through.
func (w *worker) keep() {
	var fd int
	o := w.begin(history.Op{Kind: history.Other, Path: register(kept)})
	err := o.call("open", func() (err error) {
		fd, err = unix.Open(w.at(o.Path), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return err
	})
	o.end(certain(err, err), err)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return
	}
	for {
		select {
		case <-w.over:
			return
		case <-time.After(w.Pause):
		}
		if w.reread(fd, st.Dev) != nil {
			return
		}
		w.stat()
	}
}

// reread reads the file by a descriptor of that mount. What a mount that is gone left in the kernel was not answered by the one in its place.
func (w *worker) reread(fd int, mount uint64) error {
	o := w.begin(history.Op{Kind: history.Read, Path: register(kept), Cached: true})
	buf := make([]byte, oneRead)
	var n int
	err := o.call("pread", func() (err error) {
		n, err = unix.Pread(fd, buf, 0)
		return err
	})
	var st unix.Stat_t
	if err == nil {
		err = o.call("stat", func() error { return unix.Stat(w.Dir, &st) })
	}
	if err == nil && st.Dev != mount {
		err = errors.New("opened on the mount before")
	}
	if err != nil {
		o.end(history.Failed, err)
		return err
	}
	o.Value = history.Digest(buf[:n])
	o.end(history.OK, torn(buf[:n]))
	return nil
}

// stat finds out the version of the file, which stands in the last digits of its time.
func (w *worker) stat() {
	o := w.begin(history.Op{Kind: history.Stat, Path: register(kept)})
	var st unix.Stat_t
	err := o.call("stat", func() error { return unix.Stat(w.at(o.Path), &st) })
	if err != nil {
		o.end(history.Failed, err)
		return
	}
	version := int32(st.Mtim.Nsec % int64(time.Millisecond))
	if st.Size == 0 {
		err = errors.New("it is empty")
	}
	o.Value = history.Version(version)
	o.end(history.OK, err)
}
