package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/zkfs/zkfs/internal/acls"
	"github.com/zkfs/zkfs/internal/calls"
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/zk"
)

// startPatience is how long a mount waits at least for its first answers: a server that leaves
// unanswered what it does not know is known as such after six seconds.
const startPatience = 10 * time.Second

// Mount mounts the znodes that conn sees on the directory mountpoint. The file system is served
// when it returns. The connection stays the caller's: it must be open as long as the mount is and
// is not closed with it. Its chroot, if any, is the root of the mount and must exist. If
// Options.ACL gives new znodes to the session's identities it must have one, else the error is
// [ErrNoIdentity].
func Mount(conn *zk.Conn, mountpoint string, o Options) (*FS, error) {
	f := &FS{o: o.withDefaults(), start: time.Now()}
	f.log = f.o.Logger
	f.failures.log, f.locks.log = f.log, f.log
	f.kinds = names.Kinds{LockSuffix: f.o.LockSuffix}
	f.root = &dir{node: node{fs: f, path: "/"}}
	f.nodes = newNodes(f.root)
	f.ensemble = ensemble.New(conn, f.ensembleOptions())
	f.limits = calls.Limits{Timeout: f.o.Timeout, Ensemble: f.ensemble}
	f.locks.limits = f.limits
	f.acls = acls.Policy{Mode: f.o.ACL, List: f.o.ACLs, Ensemble: f.ensemble, Log: f.log}
	f.notify = newNotifier(f.nodes.audience, f.kinds.IsLockPath, f.ensemble.LastZxid)
	f.pokes = newPokes(f)

	ctx, cancel := calls.Limits{
		Timeout: max(f.o.Timeout, startPatience), Ensemble: f.ensemble,
	}.Bound(context.Background())
	defer cancel()
	if err := f.ensemble.Start(ctx); err != nil {
		return nil, fmt.Errorf("watch for changes: %w", err)
	}
	if _, err := f.root.state(ctx); err != nil {
		f.ensemble.Close()
		return nil, fmt.Errorf("the znode to mount: %w", err)
	}
	if !f.o.ReadOnly {
		if err := f.acls.CanOwn(ctx); err != nil {
			f.ensemble.Close()
			return nil, err
		}
	}
	if err := f.serve(mountpoint); err != nil {
		return nil, err
	}
	return f, nil
}

// ensembleOptions returns how the mount asks the servers, and what it wants to be told.
func (f *FS) ensembleOptions() ensemble.Options {
	return ensemble.Options{
		Timeout:   f.o.Timeout,
		MaxAge:    f.o.MaxAge,
		Watch:     f.o.Watch,
		CacheSize: f.o.CacheSize,
		Log:       f.log,
		Perms:     f.o.Modes == ModesACL,
		Trust:     f.o.trust,
		Flood:     f.o.flood,
		Tell:      func(path string, what ensemble.News) { f.notify.tellNews(path, what) },
		LockOf: func(path string) (string, bool) {
			return f.kinds.LockedBy(path), f.kinds.IsLockPath(path)
		},
		Idle:   f.kinds.IsIdleLock,
		IsFile: func(path string, st *zk.Stat) bool { return f.kinds.KindOf(path, st) == names.KindFile },
	}
}

// mountOptions returns how the kernel and go-fuse are to work together.
func (f *FS) mountOptions() fuse.MountOptions {
	o := fuse.MountOptions{
		Name:              "zkfs",
		FsName:            f.o.FsName,
		MaxWrite:          f.o.write,
		MaxBackground:     64,
		EnableLocks:       true,
		AllowOther:        f.o.AllowOther,
		DirectMountStrict: os.Geteuid() == 0,
		Options:           []string{"default_permissions"},
		ExtraCapabilities: fuse.CAP_ATOMIC_O_TRUNC | kernelDropsPrivileges | fuse.CAP_DIRECT_IO_ALLOW_MMAP,
		DisableSplice:     true, // no content is a file, and each read would take a pair of pipes to find that out
		Debug:             f.o.Debug,
	}
	if !o.Debug { // else go-fuse writes to standard error
		o.Logger = slog.NewLogLogger(f.log.Handler(), slog.LevelWarn)
	}
	switch kernelRefuses := f.o.ReadOnly && f.pokes == nil; {
	case kernelRefuses && o.DirectMountStrict:
		o.DirectMountFlags = readOnlyMount
	case kernelRefuses:
		o.Options = append(o.Options, "ro")
	}
	if _, err := os.Stat("/sys/fs/selinux/enforce"); err == nil && f.o.Context != "" {
		o.Options = append(o.Options, `context="`+f.o.Context+`"`) // a label may have commas
	}
	return o
}

// serve mounts and starts to answer the kernel. After an error nothing is left.
func (f *FS) serve(mountpoint string) error {
	opts := &fusefs.Options{NullPermissions: true, RootStableAttr: &fusefs.StableAttr{Ino: rootNumber}}
	opts.MountOptions = f.mountOptions()
	raw := &raw{RawFileSystem: fusefs.NewNodeFS(f.root, opts), nodes: f.nodes, lookers: &f.lookers}
	f.notify.root = &f.root.Inode
	f.status = f.newStatus()
	mountpoint, err := filepath.Abs(mountpoint)
	if err != nil {
		f.ensemble.Close()
		return err
	}
	f.mountpoint = mountpoint
	server, err := fuse.NewServer(f.requests(raw), mountpoint, &opts.MountOptions)
	if err != nil {
		f.ensemble.Close()
		return fmt.Errorf("mount on %s: %w", mountpoint, err)
	}
	f.server = server
	closeOnExec("/dev/fuse")
	go func() { // ends when the kernel has unmounted
		server.Serve()
		f.ended()
	}()
	err = apart(server.WaitMount) // which asks this process for the root
	// The kernel has asked for the root now. A notification before it has the answer makes it drop
	// that, and a root that it knows nothing of is closed to all users but root (kernel fact 46).
	if err == nil {
		f.startPokes()
	} else if f.pokes != nil {
		close(f.pokes.done)
	}
	go f.notify.run() // ends with f.ended
	if err != nil {   // another process has unmounted it already
		return errors.Join(fmt.Errorf("mount on %s: %w", mountpoint, err), f.Unmount())
	}
	return nil
}

// ended gives up what the mount holds besides the connection.
func (f *FS) ended() {
	f.pokes.stop()
	f.ensemble.Close()
	f.notify.close()
}

// requests returns what answers the kernel.
func (f *FS) requests(r *raw) fuse.RawFileSystem {
	programs := &counted{r, &f.operations}
	if f.pokes == nil {
		return programs
	}
	if f.o.ReadOnly {
		programs.RawFileSystem = readOnly{r}
	}
	r.RawFileSystem = realOnly{r.RawFileSystem}
	return &poked{
		RawFileSystem: programs, raw: r, pokes: &f.announced, secret: f.pokes.mount.Secret,
		uid: f.o.UID, gid: f.o.GID,
	}
}

// Wait returns when the file system is unmounted, by Unmount or by anybody else.
func (f *FS) Wait() {
	f.server.Wait()
	<-f.notify.done
}

// Unmount unmounts the file system and waits until the last request is answered. While files are
// open or a shell is inside, it is only detached: the mount point is free at once, and what is open
// works until it is closed. The same holds where another mount namespace, such as that of a
// container, has a copy of the mount: the file system goes on there for as long as this process
// lives.
func (f *FS) Unmount() error {
	f.pokes.stop()
	unmounted := make(chan error, 1)
	go func() { // ends with the file system
		err := f.server.Unmount()
		if err == nil {
			<-f.notify.done
		}
		unmounted <- err
	}()
	patience := time.NewTimer(f.o.Timeout + calls.Grace) // the last requests are answered by then
	defer patience.Stop()
	select {
	case err := <-unmounted:
		if err == nil {
			return nil
		}
	case <-patience.C:
	}
	return f.detach()
}

// Retire stops telling the kernel of changes and returns when it has taken the last, or after
// Options.Timeout. A process that ends after [FS.Unmount] calls it first, with the connection
// closed, so that no request waits any longer: a notification can wait for the lock of a directory
// whose holder waits for an answer, and no signal ends such a wait (kernel facts 9 and 40). If the
// process ended meanwhile, neither that thread nor the holder of the lock ever would, where the
// file system is in use and only detached.
func (f *FS) Retire() {
	f.notify.quit()
	patience := time.NewTimer(f.o.Timeout)
	defer patience.Stop()
	select {
	case <-f.notify.done:
	case <-patience.C:
	}
}

// detach takes the mount point away from under the processes that use it, unless another process has
// done so before.
func (f *FS) detach() error {
	err := unmountLazily(f.mountpoint)
	if errors.Is(err, syscall.EPERM) {
		var out []byte
		out, err = exec.Command("fusermount3", "-u", "-z", f.mountpoint).CombinedOutput()
		switch {
		case bytes.Contains(out, []byte("not found in")): // the table of mounts
			return nil
		case err != nil:
			err = fmt.Errorf("%w: %s", err, out)
		}
	}
	if errors.Is(err, syscall.EINVAL) { // nothing is mounted there
		return nil
	}
	if err != nil {
		return fmt.Errorf("unmount %s: %w", f.mountpoint, err)
	}
	return nil
}
