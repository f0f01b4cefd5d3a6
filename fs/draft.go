package fs

import (
	"time"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
	"github.com/zkfs/zkfs/zk"
)

// intent is what a program means by what it wrote, as far as one can tell. It decides what happens when
// another client changed the znode meanwhile.
type intent uint8

const (
	// intentModify changes the version that was read: it fails when that is not the current one.
	intentModify intent = iota
	// intentReplace makes the content this, whatever it was: a file opened with O_TRUNC and never read.
	intentReplace
	// intentAppend adds to the end of what is there: everything was written with O_APPEND.
	intentAppend
)

// draft is the content of a file that was changed and is not committed. It is guarded by the file's
// mu; changed only by the holder of its
// busy as well, so that a commit can read data without mu.
type draft struct {
	data   []byte
	base   *zk.Stat // the version that data is based on; nil: the znode does not exist yet
	tail   int      // data[tail:] was appended, for intentAppend
	intent intent
	wrote  bool      // more than a truncation at open or a creation
	time   time.Time // of the last change
	acl    []zk.ACL  // for a znode that does not exist yet

	in *dir // not nil: the file is pending there, as the name that follows; see pending.go
	as string

	doubt *doubt // what was sent last, if it is not known what became of it: its time was over; nil: nothing

	// refused is why the data for offset missing was not taken, which makes the rest a part that no
	// client should see; nil: it is all there.
	refused error
	missing int64
}

// doubt is a change that may have been made or not, and the data of its own that it has.
type doubt struct {
	change ensemble.Change
	sent   []byte
}

// newDraft starts a draft on the version s.
func newDraft(s ensemble.Snapshot, i intent) *draft {
	d := &draft{base: s.Stat, intent: i, time: time.Now()}
	d.data = append(d.data, s.Data...)
	d.tail = len(d.data)
	return d
}

func (d *draft) exists() bool { return d.base != nil }

// through notes by what kind of handle is written: one that was read, or one with O_APPEND.
func (d *draft) through(read, appends bool) {
	if d.intent == intentReplace && read || d.intent == intentAppend && !appends {
		d.intent = intentModify
	}
}

// write puts data at off.
func (d *draft) write(data []byte, off int64, limit int) error {
	end := off + int64(len(data))
	if end > int64(limit) {
		return errno.ErrTooLarge
	}
	d.resize(int(max(end, int64(len(d.data)))))
	copy(d.data[off:], data)
	if off <= d.missing && d.missing < end {
		d.refused = nil
	}
	d.wrote = true
	d.time = time.Now()
	return nil
}

// empty begins anew, as O_TRUNC does.
func (d *draft) empty() {
	d.resize(0)
	d.tail, d.refused, d.intent = 0, nil, intentReplace
	d.time = time.Now()
}

// refuse notes that a write at off failed.
func (d *draft) refuse(off int64, err error) {
	if d.refused == nil || off < d.missing {
		d.refused, d.missing = err, off
	}
}

// truncate sets the length. A program that takes back what a write that failed left makes good for
// it. One that sets the length that there is does not: so does the kernel, after a direct write
// that failed.
func (d *draft) truncate(size int) {
	same := size == len(d.data)
	if d.intent == intentAppend && size < d.tail {
		d.intent = intentModify
	}
	d.resize(size)
	if !same && (size == 0 || int64(size) <= d.missing) {
		d.refused = nil
	}
	d.wrote = true
	d.time = time.Now()
}

// resize sets the length of data; what is added is zero.
func (d *draft) resize(n int) {
	if n <= len(d.data) {
		clear(d.data[n:])
		d.data = d.data[:n]
		return
	}
	if n <= cap(d.data) {
		d.data = d.data[:n]
		return
	}
	grown := make([]byte, n, max(n, 2*len(d.data)))
	copy(grown, d.data)
	d.data = grown
}

// rebase puts what was appended behind the current content.
func (d *draft) rebase(s ensemble.Snapshot) {
	if d.intent == intentAppend {
		tail := d.data[d.tail:]
		d.data = append(append(make([]byte, 0, len(s.Data)+len(tail)), s.Data...), tail...)
		d.tail = len(s.Data)
	}
	d.base = s.Stat
}
