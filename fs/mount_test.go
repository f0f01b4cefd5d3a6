package fs

import (
	"bytes"
	"errors"
	"flag"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// world is a server, a mount of it, a process that works there, and another client.
type world struct {
	t      *testing.T
	server *zktest.Server
	fs     *FS
	mounts []*FS
	dir    string
	*agent
	other *zk.Conn
}

// onServer is the server that newWorld starts unless a test chooses one.
var onServer = flag.String("server", "3.8", "a server of zktest, for the tests that name none")

// newWorld makes one. Everything ends with the test.
func newWorld(t *testing.T, o Options, options ...zktest.Option) *world {
	t.Helper()
	usual := []zktest.Option{
		zktest.WithServer(*onServer), zktest.WithContainerCheck(50 * time.Millisecond),
	}
	server := zktest.NewServer(append(usual, options...)...)
	t.Cleanup(server.Close)
	w := &world{t: t, server: server, dir: t.TempDir()}
	w.other = w.connect()
	w.fs = w.mount(w.dir, o)
	w.agent = newAgent(t, w.dir)
	return w
}

// sessionTimeout is that of the mounts and clients of tests: longer than a busy machine keeps a
// process from running.
const sessionTimeout = 40 * time.Second

func (w *world) connect() *zk.Conn {
	w.t.Helper()
	conn, events, err := zk.Connect([]string{w.server.Addr()}, sessionTimeout, zk.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		w.t.Fatal(err)
	}
	go func() { // ends with Close
		for range events {
		}
	}()
	w.t.Cleanup(conn.Close)
	return conn
}

// smallWrite is what one WRITE brings at most where a test does not say more. Each request of the
// kernel takes a buffer for so much. With the race detector a fourth of all buffers is not used again,
// and to make those costs much.
const smallWrite = 16 << 10

// mount mounts the server once more.
func (w *world) mount(dir string, o Options) *FS {
	w.t.Helper()
	if o.write == 0 {
		o.write = smallWrite
	}
	f, err := Mount(w.connect(), dir, o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mounts = append(w.mounts, f)
	w.t.Cleanup(func() {
		if err := f.Unmount(); err != nil {
			w.t.Error(err)
		}
		f.sound(w.t)
	})
	return f
}

// known returns the nodes that the mount knows.
func (f *FS) known() []znode {
	f.nodes.mu.Lock()
	defer f.nodes.mu.Unlock()
	return slices.Collect(maps.Values(f.nodes.at))
}

// later lets the time pass for which the mounts trust an ACL.
func (w *world) later() {
	for _, f := range w.mounts {
		for _, z := range f.known() {
			if d, ok := z.(*dir); ok {
				d.mu.Lock()
				d.lately = nil
				d.mu.Unlock()
			}
		}
	}
}

// create, set and remove are changes by the other client.
func (w *world) create(path, data string) {
	w.t.Helper()
	var b []byte
	if data != "" {
		b = []byte(data)
	}
	w.must(func() error {
		_, err := w.other.Create(path, b, 0, zk.WorldACL(zk.PermAll))
		return err
	})
	w.heard(path)
}

// heard waits until the mount does not take the znode at path for missing any more. A mount without
// a watch does not hear of its creation.
func (w *world) heard(path string) {
	w.t.Helper()
	if w.fs == nil || w.fs.o.Watch == WatchOff {
		return
	}
	dir, name := ensemble.Split(path)
	for patience := time.Now().Add(hang); ; time.Sleep(time.Millisecond) {
		if missing, _ := w.fs.ensemble.Missing(dir, name); !missing {
			return
		}
		if time.Now().After(patience) {
			w.t.Fatalf("%s is missing for the mount", path)
		}
	}
}

func (w *world) set(path, data string) {
	w.t.Helper()
	w.must(func() error {
		_, err := w.other.Set(path, []byte(data), -1)
		return err
	})
}

func (w *world) remove(path string) {
	w.t.Helper()
	w.must(func() error { return w.other.Delete(path, -1) })
}

// must makes a change, again if the test had broken the connection before it was sent, with which a
// session may have ended.
func (w *world) must(change func() error) {
	w.t.Helper()
	err := change()
	for range 2 {
		if errors.Is(err, zk.ErrConnectionClosed) || errors.Is(err, zk.ErrSessionExpired) {
			err = change()
		}
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// holds fails the test unless the znode has that data and version.
func (w *world) holds(path, data string, version int32) *zk.Stat {
	w.t.Helper()
	var got []byte
	var st *zk.Stat
	w.must(func() (err error) {
		got, st, err = w.other.Get(path)
		return err
	})
	if string(got) != data || st.Version != version {
		w.t.Errorf("%s holds %q at version %d, want %q at %d", path, got, st.Version, data, version)
	}
	return st
}

func (w *world) missing(path string) {
	w.t.Helper()
	if ok, _, err := w.other.Exists(path); err != nil || ok {
		w.t.Errorf("%s: exists %v, %v", path, ok, err)
	}
}

// hang is how long the tests wait for what comes by itself. Only a hang takes that long, on
// whatever machine.
const hang = 2 * time.Minute

// eventually makes a call until the answer is the one wanted: what another client changes is seen when its event arrives.
func (w *world) eventually(answer string, words ...string) {
	w.t.Helper()
	call := strings.Join(words, " ")
	deadline := time.Now().Add(hang)
	for {
		got := w.do(append([]string(nil), words...)...)
		if got == answer {
			return
		}
		if time.Now().After(deadline) {
			w.t.Errorf("%s: %s, want %s", call, got, answer)
			return
		}
	}
}

// changes is what a recursive watch sees.
type changes chan string

func (w *world) watch(path string) changes {
	w.t.Helper()
	watcher, err := w.connect().AddWatch(path, zk.AddWatchPersistentRecursive)
	if err != nil {
		w.t.Fatal(err)
	}
	c := make(changes, 1000)
	go func() { // ends with the connection
		for e := range watcher.Events() {
			c <- strings.TrimPrefix(e.Type.String(), "EventNode") + " " + e.Path
		}
	}()
	return c
}

// are fails the test unless exactly these changes have come, before one that is made now to end the wait.
func (c changes) are(w *world, want ...string) {
	w.t.Helper()
	w.create("/end-of-changes", "")
	w.remove("/end-of-changes")
	patience := time.After(hang)
	var seen []string
	for {
		select {
		case change := <-c:
			if change == "Deleted /end-of-changes" {
				if got := strings.Join(seen, ", "); got != strings.Join(want, ", ") {
					w.t.Errorf("changes: %s, want %s", got, strings.Join(want, ", "))
				}
				return
			}
			if change != "Created /end-of-changes" {
				seen = append(seen, change)
			}
		case <-patience:
			w.t.Fatalf("changes: %q, and the last one does not come", seen)
		}
	}
}

// A copy of the mount in another mount namespace, such as that of a container that was started meanwhile, does not keep Unmount waiting.
func TestUnmountWithCopy(t *testing.T) {
	w := newWorld(t, Options{})
	dir := t.TempDir()
	f, err := Mount(w.connect(), dir, Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	container := exec.Command("cat") // until its stdin ends
	container.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	stdin, err := container.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := container.Start(); err != nil {
		t.Fatal(err)
	}
	unmounted := make(chan error, 1)
	go func() { unmounted <- f.Unmount() }() // ends with the container, at the latest
	select {
	case err := <-unmounted:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(hang):
		t.Error("it waits for the copy")
	}
	stdin.Close()
	if err := container.Wait(); err != nil {
		t.Error(err)
	}
	f.Wait()
}

// Somebody may unmount it before Mount returns, which then reports it or returns what has ended.
func TestUnmountedAtOnce(t *testing.T) {
	w := newWorld(t, Options{})
	for i := range 20 {
		dir, over, unmounted := t.TempDir(), make(chan struct{}), make(chan struct{})
		go func() { // ends with this turn
			defer close(unmounted)
			for seen := 0; ; {
				select {
				case <-over:
					return
				default:
				}
				if table, err := os.ReadFile("/proc/self/mountinfo"); err != nil || !bytes.Contains(table, []byte(dir)) {
					continue
				}
				if seen++; seen <= i%10 { // each time a little later
					continue
				}
				if unix.Unmount(dir, unix.MNT_FORCE|unix.MNT_DETACH) == nil {
					return
				}
			}
		}()
		f, err := Mount(w.connect(), dir, Options{})
		if err == nil {
			<-unmounted
			f.Wait()
		}
		close(over)
		<-unmounted
	}
}

// A read takes no descriptor of the daemon, however many are answered at a time. go-fuse would pass
// each answer through a pair of pipes, and keep as many pairs as it ever used at once.
func TestReadsTakeNoDescriptors(t *testing.T) {
	w := newWorld(t, Options{write: maxWrite})
	data := strings.Repeat("x", 200<<10) // more than the kernel is told when the file is opened
	w.create("/f", data)
	w.want("ok file 0644 size=204800 nlink=1", "stat", "f")
	before := descriptors(t)
	w.want(`ok "`+data+`"`, "cat", "f")
	if after := descriptors(t); !slices.Equal(after, before) {
		t.Errorf("after a read there are %q, before it %q", after, before)
	}
}

// descriptors returns what the descriptors of this process are.
func descriptors(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil { // not that of ReadDir, which is closed
			names = append(names, name)
		}
	}
	return names
}
