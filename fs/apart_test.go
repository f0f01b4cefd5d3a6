package fs

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/internal/child"
)

// A process that is killed while it waits for an answer of its own ends.
func TestApart(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), deafVariable+"="+dir)
	p := child.Start(t, "the process that waits for itself", cmd)
	if got := p.Answer(); got != fmt.Sprint(error(nil)) {
		t.Fatal(got)
	}
	p.Kill()
	ended := make(chan struct{})
	go func() { // ends with the process
		p.End()
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

// deafVariable makes the test binary mount a deaf file system on the directory that it names, and ask
// it.
const deafVariable = "ZKFS_TEST_DEAF"

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
