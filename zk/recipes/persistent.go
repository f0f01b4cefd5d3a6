package recipes

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// PersistentNode is an ephemeral znode that is made again whenever it is gone: after the session
// has expired, and after another client has deleted it. Between the end of a session and the next
// one there is none, and while another client has a znode of that path, that client's stands. There
// are never two, because they have one path; for one with a number see [PersistSequence].
//
// A reconnect leaves the znode as it is. After expiry a new one is made in the next session; one of
// this PersistentNode's earlier sessions that the servers have not ended yet is replaced in one
// transaction. [PersistentNode.Close], or the end of the context of [Persist], deletes the znode.
// When the zk.Conn is closed the znode goes with its session.
type PersistentNode struct {
	c        *zk.Conn
	prefix   string // of the path, before the number; "" without
	acl      []zk.ACL
	cancel   context.CancelFunc
	done     chan struct{}  // closed when the worker has ended
	made     chan struct{}  // closed when the znode was there for the first time
	sessions map[int64]bool // in which the worker has made it; owned by it

	update chan struct{} // has an element when there is other data

	mu      sync.Mutex // guards the following
	path    string     // with a number: the last that it had
	data    []byte
	version int           // of data
	written int           // the version that the znode has
	wrote   chan struct{} // closed when written changes
	err     error
}

// Persist starts to keep an ephemeral znode at path, with data. Missing znodes above it are made
// with the same acl.
func Persist(
	ctx context.Context, c *zk.Conn, path string, data []byte, acl []zk.ACL,
) *PersistentNode {
	ctx, cancel := context.WithCancel(ctx)
	p := newPersistentNode(c.WithContext(ctx), path, data, acl, cancel)
	go p.run(ctx) // ends with ctx, with c, or with an error that stays
	return p
}

func newPersistentNode(
	c *zk.Conn, path string, data []byte, acl []zk.ACL, cancel context.CancelFunc,
) *PersistentNode {
	return &PersistentNode{
		c: c, path: path, acl: acl, data: data, cancel: cancel,
		done: make(chan struct{}), made: make(chan struct{}), sessions: map[int64]bool{},
		update: make(chan struct{}, 1), version: 1, wrote: make(chan struct{}),
	}
}

// Path returns the path of the znode. One that servers number has another after each session, and
// none before the first.
func (p *PersistentNode) Path() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.path
}

// Wait returns when the znode was made for the first time, with the error that keeps it from being
// made, such as zk.ErrNoAuth, or when ctx ends.
func (p *PersistentNode) Wait(ctx context.Context) error {
	select {
	case <-p.made:
		return nil
	case <-p.done:
		return p.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Done returns a channel that is closed when the znode is kept no longer: [PersistentNode.Err] says
// why.
func (p *PersistentNode) Done() <-chan struct{} { return p.done }

// Err returns why the znode is kept no longer, nil while it is.
func (p *PersistentNode) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Set replaces the data and returns when the znode has it; znodes that are made later have it too,
// whether Set has returned or not.
func (p *PersistentNode) Set(ctx context.Context, data []byte) error {
	p.mu.Lock()
	p.data = data
	p.version++
	version := p.version
	p.mu.Unlock()
	select {
	case p.update <- struct{}{}:
	default:
	}
	for {
		p.mu.Lock()
		written, wrote := p.written, p.wrote
		p.mu.Unlock()
		if written >= version {
			return nil
		}
		select {
		case <-wrote:
		case <-p.done:
			return p.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// setWritten notes that the znode has the data of that version.
func (p *PersistentNode) setWritten(version int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.written = version
	close(p.wrote)
	p.wrote = make(chan struct{})
}

// content returns the data that the znode is to have, its version, and whether the znode has it.
func (p *PersistentNode) content() (data []byte, version int, written bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.data, p.version, p.written == p.version
}

// Close deletes the znode and returns when it is gone. When ctx ends first, the deletion goes on
// until a server has answered or the session has ended.
func (p *PersistentNode) Close(ctx context.Context) error {
	p.cancel()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *PersistentNode) run(ctx context.Context) {
	defer close(p.done)
	defer p.cancel()
	err := p.keep(ctx)
	switch rest := context.WithoutCancel(ctx); {
	case ctx.Err() == nil:
	case p.prefix != "":
		p.removeNumbered(rest)
	default:
		p.remove(rest)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

// keep returns why the znode cannot be kept any longer.
func (p *PersistentNode) keep(ctx context.Context) error {
	establish := p.establish
	if p.prefix != "" {
		establish = p.establishNumbered
	}
	made := false
	for {
		var own bool
		var changed <-chan zk.Event
		err := znode.Retry(ctx, func(bool) (err error) {
			own, changed, err = establish(ctx)
			return err
		})
		if err != nil {
			return err
		}
		if own && !made {
			made = true
			close(p.made)
		}
		select {
		case <-changed:
		case <-p.update:
			znode.Unwatch(p.c, p.Path(), changed)
		case <-ctx.Done():
			znode.Unwatch(p.c, p.Path(), changed)
			return &zk.InterruptedError{Err: ctx.Err()}
		}
	}
}

// establish makes the znode if it is missing. It returns whether it is there and of this session,
// and a watch for its next change.
func (p *PersistentNode) establish(
	ctx context.Context,
) (own bool, changed <-chan zk.Event, err error) {
	for {
		found, stat, changed, err := p.c.ExistsW(p.path)
		if err != nil {
			return false, nil, err
		}
		mine := found && stat.EphemeralOwner != 0 && stat.EphemeralOwner == p.c.SessionID()
		if mine {
			p.sessions[stat.EphemeralOwner] = true
		}
		data, version, written := p.content()
		switch {
		case mine && written, found && !p.sessions[stat.EphemeralOwner]:
			return mine, changed, nil // or it is that of another client, or of an earlier process
		case mine:
			_, err = p.c.Set(p.path, data, stat.Version)
		default:
			err = p.make(found, stat.Version, data)
		}
		znode.Unwatch(p.c, p.path, changed)
		switch {
		case err == nil:
			p.setWritten(version)
		case errors.Is(err, zk.ErrNoNode) && !found:
			parent, _ := znode.Split(p.path)
			if err := znode.Ensure(ctx, p.c, parent, false, p.acl); err != nil {
				return false, nil, err
			}
		case errors.Is(err, zk.ErrNodeExists), errors.Is(err, zk.ErrBadVersion),
			errors.Is(err, zk.ErrNoNode):
			// Another client was faster: look again.
		default:
			return false, nil, err
		}
	}
}

// make creates the znode, in the place of that of an earlier session if there is one.
func (p *PersistentNode) make(replace bool, version int32, data []byte) error {
	if id := p.c.SessionID(); id != 0 { // between two sessions it is the owner of what is not ephemeral
		p.sessions[id] = true
	}
	p.setWritten(0)
	if !replace {
		_, err := p.c.Create(p.path, data, zk.FlagEphemeral, p.acl)
		return err
	}
	_, err := p.c.Multi(&zk.DeleteRequest{Path: p.path, Version: version},
		&zk.CreateRequest{Path: p.path, Data: data, Acl: p.acl, Flags: zk.FlagEphemeral})
	return err
}

// remove deletes the znode if it is of this session, and goes on until a server has answered.
func (p *PersistentNode) remove(ctx context.Context) {
	c := p.c.WithContext(ctx)
	for {
		found, stat, err := c.Exists(p.path)
		if err == nil {
			if !found || !p.sessions[stat.EphemeralOwner] {
				return
			}
			if err = c.Delete(p.path, stat.Version); err == nil || errors.Is(err, zk.ErrNoNode) {
				return
			}
		}
		if !znode.Passing(err) && !errors.Is(err, zk.ErrBadVersion) {
			return
		}
		time.Sleep(removePause)
	}
}

// removePause lies between two attempts to delete.
const removePause = 10 * time.Millisecond
