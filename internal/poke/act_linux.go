package poke

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// beneath keeps a walk on the mount: no symbolic link and no other mount leads away from it.
const beneath = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_SYMLINKS |
	unix.RESOLVE_NO_MAGICLINKS

// carryOut makes the calls of one order. It keeps nothing open.
func (m Mount) carryOut(o Order) Result {
	root, err := m.root()
	if root >= 0 {
		defer unix.Close(root)
	}
	if err != nil {
		errno := errnoOf(err)
		return Result{Elsewhere: errno != unix.ENOSYS && errno != unix.EPERM, Errno: errno, Call: "root"}
	}
	dir, err := open(root, o.Dir, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return Result{Errno: errnoOf(err), Call: "directory"}
	}
	defer unix.Close(dir)
	return Result{Errno: errnoOf(act(dir, o)), Call: string(o.Kind)}
}

// root returns a descriptor of the root of the mount, which raises no event, and an error if
// another file system has that path now. It is ENOSYS or EPERM if a call that is needed is missing
// here: on an old kernel, or because a filter of system calls refuses it.
func (m Mount) root() (int, error) {
	// With O_DIRECTORY it would mount again what an automount has unmounted (kernel fact 61).
	root, err := unix.Open(m.Point, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	var st unix.Statx_t
	const known = unix.AT_EMPTY_PATH | unix.AT_STATX_DONT_SYNC // what the kernel knows by itself
	if err := unix.Statx(root, "", known, unix.STATX_MNT_ID, &st); err != nil {
		return root, err
	}
	if st.Mask&unix.STATX_MNT_ID == 0 { // a kernel before 5.8
		return root, unix.ENOSYS
	}
	if st.Mnt_id != m.ID || st.Dev_major != m.Major || st.Dev_minor != m.Minor {
		return root, unix.EXDEV
	}
	fd, err := open(root, m.Secret, unix.O_PATH)
	if err == nil {
		unix.Close(fd)
	}
	switch {
	case errors.Is(err, Proof):
		return root, nil
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
		return root, err
	}
	return root, unix.EXDEV
}

// open opens what has the path below dir, on the same mount.
func open(dir int, path string, flags uint64) (int, error) {
	how := unix.OpenHow{Flags: flags | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: beneath}
	if flags&unix.O_CREAT != 0 {
		how.Mode = 0o600
	}
	return unix.Openat2(dir, path, &how)
}

// act makes the call of an order in its directory.
func act(dir int, o Order) error {
	switch o.Kind {
	case Modified:
		return write(dir, o.Name, 0)
	case FileCreated:
		return unix.Mknodat(dir, o.Name, unix.S_IFREG|0o600, 0)
	case DataCreated:
		return write(dir, o.Name, unix.O_CREAT|unix.O_EXCL)
	case DirCreated:
		return unix.Mkdirat(dir, o.Name, 0o700)
	case FileDeleted:
		return unix.Unlinkat(dir, o.Name, 0)
	case DirDeleted:
		return unix.Unlinkat(dir, o.Name, unix.AT_REMOVEDIR)
	case Attributes:
		return setAttribute(dir, o.Name)
	}
	return unix.EINVAL
}

// write opens a file for writing and closes it, and says in between that it has changed, in the one
// way that brings the kernel no attributes and changes none (kernel fact 57).
func write(dir int, name string, flags uint64) error {
	fd, err := open(dir, name, flags|unix.O_WRONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, 1)
}

// setAttribute sets an extended attribute. The answer brings the kernel no attributes. An open
// would raise events of its own, so the name is that of a descriptor which is none.
func setAttribute(dir int, name string) error {
	fd, err := open(dir, name, unix.O_PATH)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Setxattr(fmt.Sprintf("/proc/self/fd/%d", fd), Attribute, nil, 0)
}

func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	if err != nil && !errors.As(err, &errno) {
		return unix.EIO
	}
	return errno
}
