package chaos

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/internal/history"
)

// roleVariable makes the test binary a worker. It holds a role.
const roleVariable = "ZKFS_CHAOS_ROLE"

// A role says what a worker does, until the end of its stdin.
type role struct {
	Play    string // worker, locker, keeper: on a mount; client, watcher, clientlocker: as a plain client
	Process string // its name, which no other has
	Dir     string // the mount
	Servers []string
	Record  string // the file for what it does
	Seed    uint64
	Pause   time.Duration // between two operations, on average

	// Register is the one that a worker writes. Programs on one mount share the content of a file that they write at a time.
	Register int
}

// play is the main function of a worker.
func play(text string) error {
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return err
	}
	rec, err := newRecorder(r.Record, r.Process)
	if err != nil {
		return err
	}
	over := make(chan struct{})
	go func() { // ends with stdin
		io.Copy(io.Discard, os.Stdin)
		close(over)
	}()
	switch r.Play {
	case "worker", "locker", "keeper":
		return (&worker{role: r, recorder: rec, rand: rand.New(rand.NewPCG(r.Seed, 0)), over: over}).work()
	default:
		return playClient(r, rec, over)
	}
}

// What the processes work on, below a directory that exists on a mount alone.
const (
	base      = "/run"
	registers = 5        // the first three are written by one worker of each mount, and all by the clients
	kept      = 4        // is opened on mounts by the keepers alone, and so is written by clients alone
	aside     = "/aside" // is listed by nobody: that tells the kernel about files, too
	lockName  = base + "/k.lock"
	// So many seconds lines are appended to one file, and so many a name is contended for, before it is the next one's turn.
	appendEpoch = 5
	createEpoch = 2
)

// pick draws a register. Large ones are rare: the servers' logs keep every version.
func pick(r *rand.Rand) int {
	if r.IntN(8) == 0 {
		return 2 + r.IntN(2)
	}
	return []int{0, 1, kept}[r.IntN(3)]
}

// isLarge reports whether a register is larger than what the kernel reads at once.
func isLarge(register int) bool { return register == 2 || register == 3 }

// register returns the path of a file whose content is replaced. Two of them are larger than what the kernel reads at once.
func register(i int) string {
	if i == kept {
		return aside + "/kept"
	}
	return fmt.Sprintf("%s/r%d", base, i)
}

// content returns a content that nobody else writes.
func content(process string, id, register int) []byte {
	filler := 40
	if isLarge(register) {
		filler = 150 << 10
	}
	head := fmt.Sprintf("%s %d\n", process, id)
	return []byte(head + strings.Repeat(head, 1+filler/len(head)))
}

// worker works on a mount, one system call after the other.
type worker struct {
	role
	*recorder
	rand   *rand.Rand
	over   chan struct{}
	token  int    // the number of tokens so far
	moves  int    // of this token
	where  string // the token; "" if it must be made
	round  int64  // the last name that was contended for
	copies int    // of files for renames
}

func (w *worker) work() error {
	for {
		select {
		case <-w.over:
			return nil
		case <-time.After(time.Duration(w.rand.Int64N(int64(2*w.Pause) + 1))):
		}
		switch w.Play {
		case "locker":
			w.lock()
			continue
		case "keeper":
			w.keep()
			continue
		}
		reg := w.rand.IntN(kept)
		switch w.rand.IntN(16) {
		case 0, 1, 2:
			w.change((*worker).write)
		case 3:
			w.change((*worker).save)
		case 4, 5, 6:
			w.append()
		case 7:
			w.create()
		case 8, 9:
			w.move()
		case 10:
			w.sync(reg)
		case 11:
			w.look()
		default:
			w.read(reg)
		}
	}
}

// change changes the register of this worker, seldom if that is a large one.
func (w *worker) change(how func(*worker, int)) {
	if !isLarge(w.Register) || w.rand.IntN(4) == 0 {
		how(w, w.Register)
	}
}

// at returns where the file is in the tree of this machine.
func (w *worker) at(path string) string { return filepath.Join(w.Dir, path) }

// put opens a file, writes data and closes it. The outcome of the change is that which a program may rely on.
func (w *worker) put(o *operation, path string, flags int, data []byte) (history.Outcome, error) {
	var fd int
	err := o.call("open", func() (err error) {
		fd, err = unix.Open(w.at(path), unix.O_WRONLY|unix.O_CLOEXEC|flags, 0o644)
		return err
	})
	if err != nil {
		if flags&unix.O_EXCL != 0 && !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.ENOENT) {
			return history.Unknown, err
		}
		return history.Failed, err
	}
	outcome := history.OK
	if err = w.writeAll(o, fd, data); err != nil {
		outcome = history.Unknown
	}
	errClose := o.call("close", func() error { return unix.Close(fd) })
	switch {
	case outcome == history.OK && errors.Is(errClose, unix.ESTALE):
		outcome = history.Failed
	case errClose != nil:
		outcome = history.Unknown
	}
	return outcome, errors.Join(err, errClose)
}

func (w *worker) writeAll(o *operation, fd int, data []byte) error {
	for len(data) > 0 {
		var n int
		err := o.call("write", func() (err error) {
			n, err = unix.Write(fd, data)
			return err
		})
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// write replaces a register.
func (w *worker) write(reg int) {
	data := content(w.Process, w.ops+1, reg)
	o := w.begin(history.Op{Kind: history.Write, Path: register(reg), Value: history.Digest(data)})
	o.end(w.put(o, o.Path, unix.O_CREAT|unix.O_TRUNC, data))
}

// save replaces a register as editors do, by a file that takes its place.
func (w *worker) save(reg int) {
	data := content(w.Process, w.ops+1, reg)
	o := w.begin(history.Op{Kind: history.Write, Path: register(reg), Value: history.Digest(data)})
	w.copies++
	tmp := fmt.Sprintf("%s/new.%s.%d", base, w.Process, w.copies)
	if outcome, err := w.put(o, tmp, unix.O_CREAT|unix.O_EXCL, data); outcome != history.OK {
		o.end(history.Failed, err)
		return
	}
	err := o.call("rename", func() error { return unix.Rename(w.at(tmp), w.at(o.Path)) })
	o.end(certain(err, unix.ESTALE, unix.ENOENT), err)
}

// certain returns the outcome of a change that returned err: only some errors say that nothing was done.
func certain(err error, nothing ...error) history.Outcome {
	if err == nil {
		return history.OK
	}
	for _, n := range nothing {
		if errors.Is(err, n) {
			return history.Failed
		}
	}
	return history.Unknown
}

func (w *worker) append() {
	line := fmt.Sprintf("%s %d", w.Process, w.ops+1)
	path := fmt.Sprintf("%s/a%d", base, now()/int64(appendEpoch*time.Second))
	o := w.begin(history.Op{Kind: history.Append, Path: path, Value: line})
	o.end(w.put(o, path, unix.O_CREAT|unix.O_APPEND, []byte(line+"\n")))
	if w.rand.IntN(4) == 0 {
		w.readFile(history.Read, path)
	}
}

// create contends for the name of the hour.
func (w *worker) create() {
	round := now() / int64(createEpoch*time.Second)
	if round == w.round {
		return
	}
	w.round = round
	path := fmt.Sprintf("%s/c%d", base, round)
	data := content(w.Process, w.ops+1, 0)
	o := w.begin(history.Op{Kind: history.Create, Path: path, Value: history.Digest(data)})
	o.end(w.put(o, path, unix.O_CREAT|unix.O_EXCL, data))
}

// move gives a token another name.
func (w *worker) move() {
	if w.where == "" {
		w.token++
		w.moves = 0
		path := fmt.Sprintf("%s/t.%s.%d", base, w.Process, w.token)
		data := content(w.Process, w.ops+1, 0)
		o := w.begin(history.Op{Kind: history.Create, Path: path, Value: history.Digest(data)})
		if o.end(w.put(o, path, unix.O_CREAT|unix.O_EXCL, data)) != history.OK {
			return
		}
		w.where = path
	}
	w.moves++
	to := fmt.Sprintf("%s/t.%s.%d.%d", base, w.Process, w.token, w.moves)
	o := w.begin(history.Op{Kind: history.Rename, Path: w.where, To: to})
	err := o.call("rename", func() error { return unix.Rename(w.at(o.Path), w.at(to)) })
	w.where = to
	if o.end(certain(err, unix.ENOENT, unix.ESTALE, unix.EEXIST), err) != history.OK {
		w.where = ""
	}
}

func (w *worker) read(reg int) { w.readFile(history.Read, register(reg)) }
func (w *worker) sync(reg int) { w.readFile(history.Sync, register(reg)) }

// oneRead is up to where a file is read by one call. A longer one is of one version too, and so it is read on to its end.
const oneRead = 128 << 10

// readFile reads a file from its start to its end, after an fsync if that is asked for.
func (w *worker) readFile(kind history.Kind, path string) {
	o := w.begin(history.Op{Kind: kind, Path: path})
	var fd int
	err := o.call("open", func() (err error) {
		fd, err = unix.Open(w.at(path), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		return err
	})
	if err != nil {
		o.end(history.Failed, err) // also where nothing is mounted
		return
	}
	if kind == history.Sync {
		err = o.call("fsync", func() error { return unix.Fsync(fd) })
	}
	var data []byte
	buf := make([]byte, 1<<20)
	for n := oneRead; err == nil && n >= oneRead; {
		err = o.call("read", func() (err error) {
			n, err = unix.Read(fd, buf)
			return err
		})
		data = append(data, buf[:max(n, 0)]...)
	}
	o.call("close", func() error { return unix.Close(fd) })
	if err != nil {
		o.end(history.Failed, err)
		return
	}
	o.Value = history.Digest(data)
	o.Cached = len(data) <= oneRead
	o.end(history.OK, torn(data))
}

// torn returns an error that describes a content that nobody can have written to a register, for whoever reads a breach.
func torn(data []byte) error {
	head, _, _ := bytes.Cut(data, []byte("\n"))
	head = append(head[:len(head):len(head)], '\n')
	if rest := bytes.ReplaceAll(data, head, nil); len(rest) > 0 {
		return fmt.Errorf("%d bytes that begin with %q and also have %.60q at %d", len(data), head, rest, bytes.Index(data, rest[:min(len(rest), 10)]))
	}
	return nil
}

// look makes some of the calls that change nothing and that nothing is known about but that they end.
func (w *worker) look() {
	o := w.begin(history.Op{Kind: history.Other, Path: base})
	var st unix.Stat_t
	var fs unix.Statfs_t
	err := errors.Join(
		o.call("statfs", func() error { return unix.Statfs(w.Dir, &fs) }),
		o.call("stat", func() error { return unix.Stat(w.at(register(0)), &st) }),
		o.call("getxattr", func() error {
			_, err := unix.Getxattr(w.at(register(0)), "user.zk.acl", make([]byte, 1000))
			return err
		}),
		o.call("readdir", func() error {
			_, err := os.ReadDir(w.at(base))
			return err
		}),
		o.call("status", func() error {
			_, err := os.ReadFile(w.at("/.status"))
			return err
		}),
	)
	o.end(certain(err, err), err)
}
