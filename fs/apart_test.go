package fs

import (
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// A process that is killed while it waits for an answer of its own ends.
func TestApart(t *testing.T) {
	dir := t.TempDir()
	a := newAgent(t, t.TempDir())
	a.want("ok", "askself", dir)
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // ends with the agent
		a.end()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(agentPatience):
		t.Error("it hangs")
		exec.Command("umount", "-f", dir).Run() // fails, and frees it
		<-ended
	}
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		t.Error(err)
	}
}

// deaf is a file system that answers no statfs(2).
type deaf struct {
	fuse.RawFileSystem
	asked func() // called when there is one
}

func (d *deaf) StatFs(<-chan struct{}, *fuse.InHeader, *fuse.StatfsOut) fuse.Status {
	d.asked()
	select {}
}

// askSelf mounts a deaf file system, asks it, and returns when that was asked: it waits for ever
// then.
func askSelf(dir string) error {
	asked := make(chan struct{})
	server, err := fuse.NewServer(&deaf{fuse.NewDefaultRawFileSystem(), sync.OnceFunc(func() { close(asked) })}, dir,
		&fuse.MountOptions{DirectMountStrict: true})
	if err != nil {
		return err
	}
	go server.Serve()
	go apart(func() error { return unix.Statfs(dir, new(unix.Statfs_t)) })
	<-asked
	return nil
}
