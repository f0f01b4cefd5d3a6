package integration

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A line of fstab with x-systemd.automount: the kernel asks for the mount when somebody looks into the directory, and lets
// only the process group of the service manager pass until the mount is there. The test plays the manager.
// Unmounted, the directory is left alone until somebody looks again.
func TestAutomount(t *testing.T) {
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	a := newAutomount(t)
	source := addr(shared.Servers[0]) + newRoot(t)
	looks := exec.Command("ls", "-A", a.dir)
	looks.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var seen strings.Builder
	looks.Stdout, looks.Stderr = &seen, &seen
	if err := looks.Start(); err != nil {
		t.Fatal(err)
	}
	token, ok := a.request(hang)
	if !ok {
		t.Fatal("the kernel does not ask")
	}
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	if err := exec.CommandContext(ctx, path, "mount", source, a.dir, "-o", "noauto,x-systemd.automount,_netdev,nofail,show-status").Run(); err != nil {
		t.Fatalf("zkfs mount: %v", err)
	}
	a.ioctl(autofsReady, int(token))
	if err := looks.Wait(); err != nil || seen.String() != ".status\n" {
		t.Errorf("whoever looked saw %q, %v", seen.String(), err)
	}
	status := command(t, "", "sed", "-n", "s/^process *//p", a.dir+"/.status")
	command(t, "", path, "umount", a.dir)
	eventually(t, func() error {
		if _, err := os.Stat("/proc/" + strings.TrimSpace(status)); err == nil {
			return fmt.Errorf("the process of the mount still runs")
		}
		return nil
	})
	if _, ok := a.request(time.Millisecond); ok {
		t.Error("something looked into the directory after the end of the mount")
	}
}

// automount is a directory for which the kernel asks this process, as autofs(4) describes it.
type automount struct {
	t    *testing.T
	dir  string
	root *os.File // the directory itself
	pipe *os.File // what the kernel asks
}

func newAutomount(t *testing.T) *automount {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	a := &automount{t: t, dir: t.TempDir(), pipe: r}
	options := fmt.Sprintf("fd=%d,pgrp=%d,minproto=5,maxproto=5,direct", w.Fd(), unix.Getpgrp())
	if err := unix.Mount("test", a.dir, "autofs", 0, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		if a.root != nil {
			a.ioctl(autofsCatatonic, 0) // lets go of whoever still waits
			a.root.Close()
		}
		for isMounted(a.dir) {
			if err := unix.Unmount(a.dir, unix.MNT_DETACH); err != nil {
				t.Fatal(err)
			}
		}
	})
	if a.root, err = os.Open(a.dir); err != nil {
		t.Fatal(err)
	}
	return a
}

// request returns the token of what the kernel asks, if it does in time.
func (a *automount) request(patience time.Duration) (token uint32, ok bool) {
	a.pipe.SetReadDeadline(time.Now().Add(patience))
	packet := make([]byte, 304) // struct autofs_v5_packet: version, type, token
	_, err := io.ReadFull(a.pipe, packet)
	return binary.NativeEndian.Uint32(packet[8:]), err == nil
}

// What the kernel can be told: what it has asked for is mounted, and that nobody answers any more.
const (
	autofsReady     = 0x9360 // AUTOFS_IOC_READY
	autofsCatatonic = 0x9362 // AUTOFS_IOC_CATATONIC
)

func (a *automount) ioctl(request uint, value int) {
	a.t.Helper()
	if err := unix.IoctlSetInt(int(a.root.Fd()), request, value); err != nil {
		a.t.Error(err)
	}
}
