package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/zk"
)

func (z *command) mountCommand() *cli.Command {
	return &cli.Command{
		Name:      "mount",
		Usage:     "mount an ensemble, or a part of it, on a directory",
		UsageText: "zkfs mount [flags] HOST[:PORT][,HOST[:PORT]...][/PATH] DIRECTORY",
		Description: "Returns when the directory can be used. Flags may stand before or after the two " +
			"names.\n\n" +
			"  zkfs mount zk1,zk2,zk3 /mnt/zk             port 2181, the whole tree\n" +
			"  zkfs mount zk1:2181/app /mnt/app -o ro     what is below /app, no changes\n" +
			"  zkfs mount prod /mnt/prod                  what /etc/zkfs/prod.conf says\n" +
			"  zkfs umount /mnt/zk                        the end of it\n\n" +
			"SIGTERM unmounts too, as do Ctrl-C and SIGHUP in the foreground. An exit code " +
			"other than 0 says what went wrong: 1 usage, 10 bad mount point, 11 mounted " +
			"already, 12 can not connect, 13 not allowed by the servers, 14 the znode does " +
			"not exist, 15 no FUSE here, 16 the mount was lost.",
		Flags:  mountFlags(),
		Action: z.mount,
	}
}

// mount checks what can be checked at once and then mounts, as a daemon or here.
func (z *command) mount(c *cli.Context) error {
	d := asDaemon()
	in := newInputs(os.Getenv(authVariable))
	os.Unsetenv(authVariable) // fusermount3 need not know
	if d != nil {
		var err error
		if in, err = receiveInputs(z.in); err != nil {
			return err
		}
	}
	s, err := settingsOf(c, in)
	if err != nil {
		return err
	}
	if d == nil {
		if err := prepare(s); err != nil {
			return err
		}
	}
	if d == nil && !s.log.Foreground {
		ctx, stop := untilSignal(c.Context, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		defer stop()
		err := z.background(ctx, in)
		if f := (*failure)(nil); errors.As(err, &f) && f.code == exitLost {
			err = errors.Join(err, removeDead(c.Context, s.mountpoint)) // killed when it had just mounted
		}
		return err
	}
	return z.mountHere(c.Context, s, d)
}

// prepare makes sure that the mount can be made, as far as this system is concerned.
func prepare(s *settings) error {
	if err := checkFUSE(s.fs.AllowOther); err != nil {
		return err
	}
	if found, err := mountAt(s.mountpoint); s.remountDead && err == nil && found.isOurs() && found.isDead() {
		return nil // it keeps programs from the directory below until the servers have taken the session
	}
	return checkMountpoint(s.mountpoint, s.nonempty)
}

// clear removes a dead mount, if that is wanted.
func (s *settings) clear(ctx context.Context) error {
	if !s.remountDead {
		return nil
	}
	if err := removeDead(ctx, s.mountpoint); err != nil {
		return err
	}
	return checkMountpoint(s.mountpoint, s.nonempty)
}

// mountHere mounts and returns when the mount has ended. d is nil in the foreground.
func (z *command) mountHere(ctx context.Context, s *settings, d *daemon) error {
	log, file, err := s.log.open(z.err)
	if err != nil {
		return err
	}
	defer flushRepeats(log)
	log = log.With("mount", s.mountpoint)
	signals := []os.Signal{syscall.SIGTERM, syscall.SIGINT}
	if file == nil {
		signals = append(signals, syscall.SIGHUP)
	} else {
		defer file.reopenOn(syscall.SIGHUP, log)()
	}
	ctx, stop := untilSignal(ctx, signals...)
	defer stop()
	defer runtime.KeepAlive(limitMemory(s.fs.CacheSize))
	m := newMetrics()
	stopMetrics, err := serveHTTP("--metrics", s.metrics, "metrics", m.handler(), log)
	if err != nil {
		return err
	}
	defer stopMetrics()
	stopDebug, err := serveHTTP("--debug-addr", s.debugAddr, "profiles", debugHandler(), log)
	if err != nil {
		return err
	}
	defer stopDebug()
	conn, err := s.connect(ctx, log, z.err, enlarge(s.fs.MaxData), zk.WithRequestHook(m.request))
	if err != nil {
		return err
	}
	defer conn.Close()
	session := watchSession(conn)
	defer logSession(conn, log).stop()
	s.fs.Logger = log
	if err := s.clear(ctx); err != nil {
		return err
	}
	err = serve(ctx, conn, s.mountpoint, s.fs, s.lastWords(z.err), func(mounted *fs.FS) error {
		session.stats = mounted.Stats
		m.session.Store(session)
		addProcessors()
		log.Info("mounted", "source", s.source)
		tellManager(log, "READY=1\nSTATUS="+s.source+" on "+s.mountpoint)
		go feedWatchdog(ctx, log) // ends with ctx
		if d == nil {
			return nil
		}
		return d.detach()
	})
	if err != nil && d != nil {
		log.Error("ended", "err", err) // standard error is gone
	}
	return err
}

// lastWords says where the death of the process is logged, nil if that is not wanted: it is seen on
// the standard error of one in the foreground, and by its parent. The journal gets it nevertheless,
// since what the runtime prints there has no severity.
func (s *settings) lastWords(stderr io.Writer) *logSettings {
	if s.log.Foreground && s.log.File == "" && !isJournal(stderr) {
		return nil
	}
	return &s.log
}

// serve mounts what conn sees, calls ready when the mount works, and returns when it is unmounted, by whomever, or
// because ready failed or ctx ended, after which conn is closed. The death of the process is logged
// to last, if that is not nil.
func serve(
	ctx context.Context, conn *zk.Conn, mountpoint string, o fs.Options, last *logSettings, ready func(*fs.FS) error,
) error {
	companion, err := startCompanion(mountpoint, last)
	if err != nil {
		return fmt.Errorf("start a companion: %w", err)
	}
	defer companion.stop()
	if last != nil && last.Foreground && last.File == "" {
		if err := muteRuntime(); err != nil {
			return err
		}
	}
	mounted, err := mountAlone(ctx, conn, mountpoint, o)
	if err != nil {
		return err
	}
	if found, err := mountAt(mountpoint); err == nil && found.isOurs() {
		companion.mounted(found.device)
	}
	refused := whenRefused(conn)
	ended := make(chan struct{})
	go func() { // ends when the kernel has forgotten the mount, at the latest with this process
		mounted.Wait()
		close(ended)
	}()
	if err := ready(mounted); err != nil {
		return errors.Join(err, leave(conn, mounted))
	}
	select {
	case <-ctx.Done():
		tellManager(o.Logger, "STOPPING=1")
		o.Logger.Info("unmounting", "because", context.Cause(ctx))
		return leave(conn, mounted)
	case <-refused:
		tellManager(o.Logger, "STOPPING=1")
		return abandon(conn, mounted, mountpoint)
	case <-ended:
		tellManager(o.Logger, "STOPPING=1")
		err := lost(mountpoint)
		if err == nil {
			o.Logger.Info("unmounted by another process")
		}
		return err
	}
}

// mountAlone mounts what conn sees, unless another process that mounts on the same directory at the
// same moment was faster.
func mountAlone(ctx context.Context, conn *zk.Conn, mountpoint string, o fs.Options) (*fs.FS, error) {
	unlock, err := lockDirectory(ctx, mountpoint)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := checkUnmounted(mountpoint); err != nil {
		return nil, err
	}
	mounted, err := fs.Mount(conn, mountpoint, o)
	if err != nil {
		return nil, mountFailure(mountpoint, err)
	}
	return mounted, nil
}

// whenRefused returns a channel that is closed when the servers have refused the credentials for good.
func whenRefused(conn *zk.Conn) <-chan struct{} {
	refused := make(chan struct{})
	closed := sync.OnceFunc(func() { close(refused) })
	conn.OnEvent(func(e zk.Event) {
		if e.State == zk.StateAuthFailed {
			closed()
		}
	})
	if conn.State() == zk.StateAuthFailed { // before
		closed()
	}
	return refused
}

// abandon ends the mount, and leaves it on its mount point, dead: no program may write by mistake
// into the directory below, whatever restarts it.
func abandon(conn *zk.Conn, mounted *fs.FS, mountpoint string) error {
	conn.Close()
	mounted.Retire()
	if found, err := mountAt(mountpoint); err == nil && found.isOurs() {
		abortConnection(found) // fails where that file system is not mounted, and then this process ends it
	}
	return failf(exitAuth, "%s: the servers refuse the credentials: the mount is dead", mountpoint).
		hinting("give others in the files that the flags name, and mount again with --remount-dead")
}

// leave unmounts, and sees to it that nobody in the kernel waits for this process, which is about to end.
func leave(conn *zk.Conn, mounted *fs.FS) error {
	err := mounted.Unmount()
	conn.Close()
	mounted.Retire()
	return err
}

// lost returns an error if the mount has ended without being unmounted: somebody aborted its
// connection to the kernel. The dead mount is removed. Where nothing is mounted any more it does not look: that would make
// systemd mount again what it has just unmounted because nobody used it.
func lost(mountpoint string) error {
	if found, err := mountAt(mountpoint); err != nil || !found.isOurs() || !found.isGone() {
		return nil
	}
	err := failf(exitLost, "%s: the kernel has ended the mount", mountpoint).hinting("mount again")
	return errors.Join(err, detach(context.Background(), mountpoint, lazily))
}

// mountFailure puts into words why fs.Mount has failed.
func mountFailure(mountpoint string, err error) error {
	switch {
	case errors.Is(err, zk.ErrNoAuth), errors.Is(err, zk.ErrAuthFailed):
		return failf(exitAuth, "the servers do not allow it: %s", plain(err)).hinting(authHint)
	case errors.Is(err, fs.ErrNoIdentity):
		return failf(exitAuth, "--acl: %s", plain(err)).hinting(authHint + "; or use another --acl")
	case errors.Is(err, zk.ErrNoNode):
		return failf(exitChroot, "the znode to mount is gone")
	case errors.Is(err, zk.ErrNoServer), errors.Is(err, zk.ErrConnectionClosed), errors.Is(err, context.DeadlineExceeded):
		return failf(exitConnect, "the servers are gone: %s", plain(err)).hinting("try again")
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EACCES):
		return failf(exitFUSE, "%s: this process may not mount", mountpoint).
			hinting("a container needs --device /dev/fuse and the capability SYS_ADMIN")
	}
	return failf(exitMountpoint, "%s", strings.TrimSpace(plain(err)))
}

// untilSignal returns a context that ends with the first of the signals. Further ones have no effect until the process ends: timeout(1)
// and terminals send two, and one that comes when all is done must not make it a failure. Those that the process was started to ignore, as
// by nohup, are still ignored.
func untilSignal(ctx context.Context, signals ...os.Signal) (context.Context, context.CancelFunc) {
	signals = slices.DeleteFunc(signals, func(s os.Signal) bool {
		return s != syscall.SIGTERM && signal.Ignored(s)
	})
	signal.Notify(make(chan os.Signal, 1), signals...) // of which nobody reads
	return signal.NotifyContext(ctx, signals...)
}
