package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// fsType is the type of the mounts of zkfs, in /proc/self/mountinfo and in `df -T`.
const fsType = "fuse.zkfs"

// checkMountpoint returns why nothing can be mounted on dir, an absolute path.
func checkMountpoint(dir string, nonempty bool) error {
	if err := checkUnmounted(dir); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return failf(exitMountpoint, "%s: does not exist", dir).hinting("mkdir -p " + dir)
	case err != nil:
		return failf(exitMountpoint, "%s", plain(err))
	case !info.IsDir():
		return failf(exitMountpoint, "%s: not a directory", dir).hinting("mount on an empty directory")
	case os.Geteuid() != 0 && unix.Access(dir, unix.W_OK) != nil:
		return failf(exitMountpoint, "%s: you may not write there, so you may not mount there", dir).hinting("mount on a directory of yours")
	case !nonempty && !isEmpty(dir):
		return failf(exitMountpoint, "%s: not empty, and the mount would hide what is there", dir).hinting("mount on an empty directory, or hide it with --nonempty")
	}
	return nil
}

// checkUnmounted returns an error if something of zkfs is mounted on dir, an absolute path.
func checkUnmounted(dir string) error {
	mount, err := mountAt(dir)
	switch {
	case err != nil:
		return failf(exitMountpoint, "%s", plain(err))
	case mount.isOurs() && mount.isDead():
		return failf(exitMounted, "%s: a dead mount of %s is there, whose process is gone", dir, mount.source).
			hinting("zkfs umount " + dir + ", or mount with --remount-dead")
	case mount.isOurs():
		return failf(exitMounted, "%s: %s is mounted there already", dir, mount.source).hinting("zkfs umount " + dir)
	}
	return nil
}

// lockPatience is how long a mount waits for others on the same directory.
const lockPatience = time.Minute

// lockDirectory waits until no other process that mounts on dir holds its lock, and takes that. It
// does not outlive this process.
func lockDirectory(ctx context.Context, dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, failf(exitMountpoint, "%s", plain(err))
	}
	locked := make(chan error, 1)
	go func() { // ends when the lock is free, at the latest with this process
		locked <- unix.Flock(int(f.Fd()), unix.LOCK_EX)
	}()
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	select {
	case err = <-locked:
	case <-ctx.Done():
		return nil, failf(exitMountpoint, "%s: another process holds a lock of the directory (flock)", dir).
			hinting("`lslocks` shows which")
	}
	if err != nil {
		f.Close()
		return nil, failf(exitMountpoint, "%s: flock: %s", dir, plain(err))
	}
	return func() { f.Close() }, nil
}

// health is what becomes of a question to a mount that its process answers from memory.
type health int

const (
	answers health = iota
	gone           // no process is left that could answer
	hangs          // no answer comes within a second
)

// examine asks the mount.
func (m mount) examine() health {
	dead := make(chan bool, 1)
	m.owner.as(func() { // ends when the kernel answers, at the latest with this process
		var st unix.Statfs_t // unlike stat(2), statfs(2) never answers from a cache
		err := unix.Statfs(m.point, &st)
		dead <- errors.Is(err, syscall.ENOTCONN) || errors.Is(err, syscall.ECONNABORTED)
	})
	select {
	case yes := <-dead:
		if yes {
			return gone
		}
		return answers
	case <-time.After(time.Second):
		return hangs
	}
}

// isGone tells whether the process that served the mount is gone. One that hangs is not.
func (m mount) isGone() bool { return m.examine() == gone }

// isDead tells whether the process that served the mount is gone, or was killed and can not end.
// One that hangs otherwise is not.
func (m mount) isDead() bool {
	h := m.examine()
	return h == gone || h == hangs && isServedByKilled(m)
}

// removeDead unmounts what a process that is gone has left on dir, however often.
func removeDead(ctx context.Context, dir string) error {
	for {
		found, err := mountAt(dir)
		if err != nil {
			return failf(exitMountpoint, "%s", plain(err))
		}
		if !found.isOurs() || !found.isDead() {
			return nil
		}
		if err := bury(ctx, found); err != nil {
			return err
		}
	}
}

// bury unmounts a dead mount. What waits for its process, and the process itself, hang no more.
func bury(ctx context.Context, dead mount) error {
	if dead.examine() == hangs {
		if err := abort(dead); err != nil {
			return failf(exitMountpoint, "%s: %s", dead.point, plain(err)).hinting("as root: zkfs umount -f " + dead.point)
		}
		if now, err := mountAt(dead.point); err != nil || now.device != dead.device {
			return err // nothing used it any more
		}
	}
	return umount(ctx, dead.point, lazily)
}

func isEmpty(dir string) bool {
	f, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer f.Close()
	_, err = f.Readdirnames(1)
	return errors.Is(err, io.EOF)
}

// checkFUSE returns why this system or this user can not mount by FUSE.
func checkFUSE(allowOther bool) error {
	if err := checkSystem("mount"); err != nil {
		return err
	}
	if _, err := os.Stat(fuseDevice); err != nil {
		return failf(exitFUSE, "%s: %s", fuseDevice, plain(errors.Unwrap(err))).
			hinting("`modprobe fuse` loads it; a container needs --device /dev/fuse and the capability SYS_ADMIN")
	}
	if os.Geteuid() == 0 {
		return nil
	}
	switch {
	case unix.Access(fuseDevice, unix.R_OK|unix.W_OK) != nil:
		return failf(exitFUSE, "%s: you may not use it", fuseDevice).hinting("as root: chmod 666 " + fuseDevice)
	case fusermount() == "":
		return failf(exitFUSE, "there is no fusermount3, by which users other than root mount").hinting("apt install fuse3")
	case allowOther && !userAllowOther():
		return failf(exitFUSE, "--allow-other: this system lets root alone do that").hinting("as root, add the line user_allow_other to " + fuseConf)
	}
	return nil
}

const (
	fuseDevice = "/dev/fuse"
	fuseConf   = "/etc/fuse.conf"
)

// userAllowOther tells whether users other than root may let others in.
func userAllowOther() bool {
	conf, _ := os.ReadFile(fuseConf)
	for line := range strings.Lines(string(conf)) {
		if strings.TrimSpace(line) == "user_allow_other" {
			return true
		}
	}
	return false
}

// A mount is one line of /proc/self/mountinfo.
type mount struct {
	point          string // without symbolic links
	source, fstype string // "" if nothing is mounted there
	device         string // major and minor number, with a colon
	owner          owner
}

// An owner is the only user that the kernel lets into a mount, be it root that asks. It is zero for
// root, and for a mount that lets all users in.
type owner struct{ uid, gid uint32 }

func (m mount) isOurs() bool { return m.fstype == fsType }

// minor returns the number by which the kernel knows the connection of the mount to its process.
func (m mount) minor() string {
	_, minor, _ := strings.Cut(m.device, ":")
	return minor
}

// mountAt returns the topmost mount whose mount point is dir, an absolute path. It does not touch what is mounted
// there, which may be dead or hang.
func mountAt(dir string) (mount, error) {
	table, err := mountTable()
	if err != nil {
		return mount{}, err
	}
	if parent, err := filepath.EvalSymlinks(filepath.Dir(dir)); err == nil {
		dir = filepath.Join(parent, filepath.Base(dir))
	}
	found := findMount(table, dir)
	if found.fstype != "" {
		return found, nil
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return findMount(table, real), nil
	}
	return found, nil
}

// findMount returns the topmost mount on dir.
func findMount(table []mountLine, dir string) mount {
	found := mount{point: dir}
	for _, m := range table {
		if m.point == dir {
			found = m.mount // later ones are mounted on top
		}
	}
	return found
}

// A mountLine is a mount and what of its file system is seen there, "/" unless it is a bind mount.
type mountLine struct {
	mount
	root string
}
