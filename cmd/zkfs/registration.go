package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/recipes"
)

// A registration keeps the ephemeral of `zkfs register`: while the check succeeds, until its end.
type registration struct {
	*registerOrder
	conn     *zk.Conn
	newACL   []zk.ACL
	progress io.Writer

	node   *recipes.PersistentNode // nil while the service is not healthy; owned by run
	cancel context.CancelFunc
	done   chan struct{} // closed when the ephemeral is gone, or the time for that is over
}

// leaveWait is how long the end waits for the ephemeral to be deleted. After that the end of the
// session does it.
const leaveWait = time.Second

// enter returns when the ephemeral is there, or that of another client in its place, or a check is
// to decide, with the error that forbids it. end must follow.
func (o *registerOrder) enter(
	ctx context.Context, conn *zk.Conn, progress io.Writer,
) (*registration, error) {
	acl, err := o.acl(conn.WithContext(ctx))
	if err != nil {
		return nil, o.refused(err)
	}
	r := &registration{
		registerOrder: o, conn: conn, newACL: acl, progress: progress, done: make(chan struct{}),
	}
	if o.check == "" {
		r.node = r.persist()
		err = r.settle(ctx)
	}
	ctx, r.cancel = context.WithCancel(context.Background())
	go r.run(ctx) // ends with end
	return r, err
}

func (r *registration) persist() *recipes.PersistentNode {
	persist := recipes.Persist
	if r.sequence {
		persist = recipes.PersistSequence
	}
	return persist(context.Background(), r.conn, r.znode, r.data, r.newACL)
}

// look is how often it is looked for another client's znode at the path, before the first
// ephemeral.
const look = 100 * time.Millisecond

// settle returns when the ephemeral is there, or a znode of another client.
func (r *registration) settle(ctx context.Context) error {
	for {
		soon, cancel := context.WithTimeout(ctx, look)
		err := r.node.Wait(soon)
		cancel()
		switch {
		case err == nil:
			say(r.progress, "%s: registered as %s", r.name, r.node.Path())
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.Is(err, context.DeadlineExceeded):
			return r.refused(err)
		case r.sequence:
			continue
		}
		found, stat, err := r.conn.WithContext(ctx).Exists(r.znode)
		if err == nil && found && stat.EphemeralOwner == 0 {
			return failf(exitExists, "%s: the znode exists already, and is no ephemeral", r.name)
		}
		if err == nil && found && stat.EphemeralOwner != r.conn.SessionID() {
			say(r.progress, "%s: another client has it: waiting until that goes", r.name)
			return nil
		}
	}
}

// run lets the ephemeral come and go with the health of the service, until ctx ends.
func (r *registration) run(ctx context.Context) {
	defer close(r.done)
	for ctx.Err() == nil {
		r.follow(ctx, r.healthy(ctx))
		var refused <-chan struct{}
		if r.node != nil {
			refused = r.node.Done()
		}
		select {
		case <-ctx.Done():
		case <-refused:
			say(r.progress, "%v; trying again every %v", r.refused(r.node.Err()), r.every)
			r.node = nil
			pause(ctx, r.every)
		case <-r.nextCheck():
		}
	}
	if r.node != nil {
		ctx, cancel := context.WithTimeout(context.Background(), leaveWait)
		defer cancel()
		r.node.Close(ctx) // fails when the time is over
	}
}

// follow brings the ephemeral in line with the health of the service.
func (r *registration) follow(ctx context.Context, healthy bool) {
	switch {
	case ctx.Err() != nil, healthy == (r.node != nil):
	case healthy:
		r.node = r.persist()
		say(r.progress, "%s: healthy: registering it", r.name)
	default:
		say(r.progress, "%s: not healthy: no longer registered", r.name)
		if r.node.Close(ctx) == nil {
			r.node = nil
		}
	}
}

func (r *registration) nextCheck() <-chan time.Time {
	if r.check == "" {
		return nil
	}
	return time.After(r.every)
}

// healthy reports whether the check succeeds in time. What it has started is killed with it.
func (r *registration) healthy(ctx context.Context) bool {
	if r.check == "" {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, r.every)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", r.check)
	cmd.Env = withoutVariable(os.Environ(), authVariable)
	cmd.Stdout, cmd.Stderr = r.progress, r.progress
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = leaveWait / 4 // for what has left its group
	return cmd.Run() == nil
}

// end deletes the ephemeral.
func (r *registration) end() {
	r.cancel()
	<-r.done
}
