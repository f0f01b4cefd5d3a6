package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/zk"
)

// zxidVariable is the environment variable that tells a command the fencing number of the lock
// under which it runs.
const zxidVariable = "ZKFS_LOCK_ZXID"

// unlockWait is how long the end of the command waits for the lock to be given back. After that the
// end of the session does it.
const unlockWait = time.Second

func (z *command) lockCommand() *cli.Command {
	return &cli.Command{
		Name:      "lock",
		Usage:     "run a command while holding a lock, and stop it if the lock is lost",
		UsageText: "zkfs lock [flags] FILE -- COMMAND [ARGUMENT...]",
		Description: "Takes the lock that `flock FILE COMMAND` takes, in a session of its own, so that " +
			"the end of a mount does not matter.\n\n" +
			"  zkfs lock /mnt/zk/deploy.lock -- ./deploy.sh       a file of a mount\n" +
			"  zkfs lock --server zk1,zk2/app /x.lock -- ./x.sh   no mount at all\n" +
			"  zkfs lock -w 1m /mnt/zk/nightly/.lock -- ./x.sh    that of a directory\n\n" +
			"The file need not exist. " +
			"The command finds in $ZKFS_LOCK_ZXID a number that grows from holder to holder: " +
			"what the lock protects can refuse a smaller one than it has seen. Signals are " +
			"passed on. When the session may be over the command and all that it has started " +
			"get SIGTERM, and SIGKILL after a sixth of the session timeout, which is about " +
			"when another can have the lock.\n\n" +
			codesOfCommand + "14 no such directory, 17 the lock is not free, 18 it was lost, 126 and 127 the " +
			"command can not be run.",
		Flags:  append(lockFlags(), connectionFlags()...),
		Action: z.lock,
	}
}

func lockFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "shared", Aliases: []string{"s"}, Category: inLock,
			Usage: "share the lock with other holders that share it"},
		&cli.BoolFlag{Name: "nonblock", Aliases: []string{"n"}, Category: inLock,
			Usage: "do not wait for the lock"},
		&valued{&cli.StringFlag{Name: "wait", Aliases: []string{"w"}, Category: inLock, DefaultText: "as long as it takes",
			Usage: "wait for at most so long"}, aWait},
		serverFlag("FILE", inLock),
		&valued{&cli.StringFlag{Name: "lock-note", Category: inLock,
			Usage: "show this beside host, process and program to all that may read the lock. The " +
				"arguments of the command are not shown"}, aText},
		&valued{&cli.StringFlag{Name: "lock-suffix", Value: ".lock", Category: inLock,
			Usage: "that of the mounts, if they have another"}, aSuffix},
	}
}

// lockOrder is what the command line of `zkfs lock` says.
type lockOrder struct {
	*connection
	file     string // as given
	znode    string // of the lock
	suffix   string // of lock files
	note     string // for those that read the lock
	shared   bool
	nonblock bool
	wait     time.Duration // 0 for ever
	program  string        // the path of the command
	args     []string      // with the command as given
	hidden   string        // the znode with the ACL that the lock is to have, if the servers do not show it
}

// lockOrderOf reads the command line, and the files that it names.
func lockOrderOf(c *cli.Context, in *inputs) (*lockOrder, error) {
	if c.NArg() < 2 {
		return nil, usagef("lock needs a file and a command").hinting("zkfs lock /mnt/zk/deploy.lock -- ./deploy.sh")
	}
	o := &lockOrder{
		file:     c.Args().First(),
		args:     c.Args().Tail(),
		note:     c.String("lock-note"),
		shared:   c.Bool("shared"),
		nonblock: c.Bool("nonblock"),
	}
	if c.IsSet("wait") {
		o.wait = timeOf(c, "wait")
		o.nonblock = o.nonblock || o.wait == 0
	}
	t, err := targetOf(c, o.file)
	if err != nil {
		return nil, err
	}
	var ok bool
	o.suffix = c.String("lock-suffix")
	if o.znode, ok = fs.LockPath(t.file, o.suffix); !ok {
		return nil, usagef("%s: no znode can have that path", o.file)
	}
	if o.connection, err = connectionOf(c, t.source, in); err != nil {
		return nil, err
	}
	if o.program, err = exec.LookPath(o.args[0]); err != nil {
		return nil, notRunnable(err)
	}
	return o, nil
}

// lock runs a command while it holds a lock.
func (z *command) lock(c *cli.Context) error {
	if err := checkSystem("lock"); err != nil {
		return err
	}
	o, err := lockOrderOf(c, newInputs(os.Getenv(authVariable)))
	if err != nil {
		return err
	}
	signals := catch()
	defer signals.stop()
	var lock *zk.Lock
	next := func(ctx context.Context, conn *zk.Conn) (err error) {
		lock, err = o.acquire(ctx, conn)
		return err
	}
	conn, err := o.begin(c.Context, o.file, signals, z.err, next)
	if conn != nil {
		defer conn.Close()
	}
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{Path: o.program, Args: o.args, Stdin: z.in, Stdout: z.out, Stderr: z.err}
	cmd.Env = append(withoutVariable(os.Environ(), zxidVariable), zxidVariable+"="+strconv.FormatInt(lock.Zxid(), 10))
	g := guarded{cmd: cmd, signals: signals, lost: lock.Lost(), grace: conn.SessionTimeout() / 6, warn: func() {
		say(z.err, "%s: the lock is lost: stopping %s", o.file, o.args[0])
	}}
	ended := g.run()
	ctx, cancel := context.WithTimeout(context.Background(), unlockWait)
	defer cancel()
	if err := lock.UnlockContext(ctx); g.stopped || errors.Is(err, zk.ErrLockLost) {
		return failf(exitLockLost, "%s: the lock was lost while %s ran: another may have held it meanwhile", o.file, o.args[0])
	}
	return ended
}

// acquire takes the lock. An expired session costs the place in the queue, not the lock.
func (o *lockOrder) acquire(ctx context.Context, conn *zk.Conn) (*zk.Lock, error) {
	if o.wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.wait)
		defer cancel()
	}
	acl, err := o.acl(conn.WithContext(ctx))
	if err != nil {
		return nil, o.refused(conn, err)
	}
	lock := zk.NewLock(conn, o.znode, acl)
	if o.shared {
		lock = zk.NewReadLock(conn, o.znode, acl)
	}
	lock.SetContainer()
	lock.SetData([]byte(fs.Contender(os.Getpid(), path.Base(o.args[0]), o.note)))
	for {
		session := conn.SessionID()
		if o.nonblock {
			err = lock.TryLockContext(ctx)
		} else {
			err = lock.LockContext(ctx)
		}
		if err == nil {
			return lock, nil
		}
		if !errors.Is(err, zk.ErrSessionExpired) && !(errors.Is(err, zk.ErrLockLost) && conn.SessionID() != session) {
			return nil, o.refused(conn, err)
		}
	}
}

// acl returns the ACL for the lock's znode and its contenders: that of the znode, or of the one
// that it is to be in. Where the server does not show it, only the creator may do anything. A lock
// that could not be given back is refused.
func (o *lockOrder) acl(conn *zk.Conn) ([]zk.ACL, error) {
	acl, st, err := conn.GetACL(o.znode)
	if err == nil && fs.IsLockDir(o.znode, o.suffix, st) {
		return nil, failf(exitNotLocked, "%s: another program has made the directory %s as its lock", o.file, path.Base(o.znode))
	}
	missing := errors.Is(err, zk.ErrNoNode)
	if missing {
		if acl, _, err = conn.GetACL(path.Dir(o.znode)); errors.Is(err, zk.ErrNoAuth) {
			o.hidden = path.Dir(o.znode)
			return zk.AuthACL(zk.PermAll), nil
		}
	}
	if err != nil {
		return nil, err
	}
	own := acl
	if masked(acl) {
		o.hidden = o.znode
		if missing {
			o.hidden = path.Dir(o.znode)
		}
		acl = zk.AuthACL(zk.PermAll)
	}
	if missing {
		own = acl
	}
	if fs.Lockable(own, []zk.Identity{}) { // for everybody
		return acl, nil
	}
	ids, err := conn.WhoAmI()
	switch {
	case errors.Is(err, zk.ErrUnimplemented):
	case err != nil:
		return nil, err
	case !fs.Lockable(own, ids):
		return nil, failf(exitAuth, "%s: a lock needs READ, CREATE and DELETE, and the ACL of %s does not give them", o.file, o.znode).hinting(authHint)
	}
	return acl, nil
}

// masked reports whether the servers have put an x in the place of a digest, which no password has.
func masked(acl []zk.ACL) bool {
	return slices.ContainsFunc(acl, func(a zk.ACL) bool {
		return a.Scheme == "digest" && strings.HasSuffix(a.ID, ":x")
	})
}

// refused puts into words why the lock is not held.
func (o *lockOrder) refused(conn *zk.Conn, err error) error {
	switch {
	case errors.Is(err, zk.ErrLockHeld):
		return failf(exitNotLocked, "%s: the lock is not free%s", o.file, o.holder(conn))
	case errors.Is(err, context.DeadlineExceeded):
		return failf(exitNotLocked, "%s: the lock was not free within %v%s", o.file, o.wait, o.holder(conn))
	case errors.Is(err, zk.ErrNoNode):
		return failf(exitChroot, "%s: the directory that it is in does not exist", o.file)
	case o.hidden != "" && errors.Is(err, zk.ErrInvalidACL):
		return hiddenACL(o.file, o.hidden)
	}
	return inWords(o.file, err)
}

// holderBytes is how much is shown of what a holder says about itself.
const holderBytes = 400

// holder says who has the lock, as far as that can be told at once.
func (o *lockOrder) holder(conn *zk.Conn) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn = conn.WithContext(ctx)
	names, _, err := conn.Children(o.znode)
	if queue := zk.LockQueue(names); err == nil && len(queue) > 0 {
		if data, _, err := conn.Get(path.Join(o.znode, queue[0].Name)); err == nil && len(data) > 0 {
			return fmt.Sprintf(": %q has it", data[:min(len(data), holderBytes)])
		}
	}
	return ""
}
