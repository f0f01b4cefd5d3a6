package zk

import (
	"errors"
	"fmt"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// Flags of creates (CreateMode.java).
const (
	FlagPersistent                  = 0
	FlagEphemeral                   = 1 // deleted when the session that created it ends
	FlagSequence                    = 2 // the server appends ten digits, counting up in the parent
	FlagEphemeralSequential         = FlagEphemeral | FlagSequence
	FlagContainer                   = 4 // deleted by the server some time after its last child
	FlagTTL                         = 5 // deleted by the server when it has not changed for its time to live and has no children
	FlagPersistentSequentialWithTTL = 6
)

// Get returns the data of the znode at path, nil if that is null, and its Stat.
// Both are of the same moment. Errors: ErrNoNode, ErrNoAuth without PermRead. With an error the Stat is zero but not
// nil, as it is for all operations that set no watch.
func (c *Conn) Get(path string) ([]byte, *Stat, error) {
	data, stat, _, err := c.get(path, false)
	return data, orZero(stat), err
}

// orZero returns stat, or one that is zero if it is nil.
func orZero(stat *Stat) *Stat {
	if stat == nil {
		return new(Stat)
	}
	return stat
}

// GetW is Get, and sets a one-shot watch: the channel delivers one event, when the data changes or the znode is deleted, and
// is closed. The event stands in the channel before any later reply of the server is delivered. The
// watch survives reconnects. If the session ends first the event is an [EventNotWatching].
func (c *Conn) GetW(path string) ([]byte, *Stat, <-chan Event, error) { return c.get(path, true) }

func (c *Conn) get(path string, watch bool) ([]byte, *Stat, <-chan Event, error) {
	p, err := c.serverPath(path)
	if err != nil {
		return nil, nil, nil, err
	}
	cl := c.newCall(wire.OpGetData)
	cl.body = (&wire.GetDataRequest{Path: p, Watch: watch}).Append(cl.body)
	events := c.watchFor(cl, p, watchData, watch)
	if err := c.do(cl); err != nil {
		return nil, nil, nil, err
	}
	defer cl.free()
	var r wire.GetDataResponse
	if err := c.decode(cl, r.Decode); err != nil {
		return nil, nil, nil, err
	}
	return cl.own(r.Data), statOf(&r.Stat), events, nil
}

// watchFor prepares cl to register a one-shot watch, if one is wanted.
func (c *Conn) watchFor(cl *call, path string, kind watchKind, wanted bool) <-chan Event {
	if !wanted {
		return nil
	}
	events := make(chan Event, 1)
	cl.onReply = c.watches.onReply(cl, path, kind, oneShot{c.chroot, events})
	return events
}

// Exists tells whether there is a znode at path; the Stat is zero if there is none. Servers before 3.9 ask for
// no permission, later ones for PermRead.
func (c *Conn) Exists(path string) (bool, *Stat, error) {
	found, stat, _, err := c.exists(path, false)
	return found, orZero(stat), err
}

// ExistsW is Exists, and sets a one-shot watch: the channel delivers one event, when the znode is created, changed or deleted.
// It delivers as that of [Conn.GetW] does.
func (c *Conn) ExistsW(path string) (bool, *Stat, <-chan Event, error) { return c.exists(path, true) }

func (c *Conn) exists(path string, watch bool) (bool, *Stat, <-chan Event, error) {
	p, err := c.serverPath(path)
	if err != nil {
		return false, nil, nil, err
	}
	cl := c.newCall(wire.OpExists)
	cl.body = (&wire.ExistsRequest{Path: p, Watch: watch}).Append(cl.body)
	events := c.watchFor(cl, p, watchData, watch)
	switch err := c.do(cl); {
	case errors.Is(err, ErrNoNode):
		return false, new(Stat), events, nil
	case err != nil:
		return false, nil, nil, err
	}
	defer cl.free()
	var r wire.ExistsResponse
	if err := c.decode(cl, r.Decode); err != nil {
		return false, nil, nil, err
	}
	return true, statOf(&r.Stat), events, nil
}

// Children returns the names of the children of path, in no order, and the Stat of path. A name
// that no znode can have, as "..", is logged, once for the connection, and left out.
// Errors: ErrNoNode, ErrNoAuth without PermRead. The list may be longer than the server's packet limit.
func (c *Conn) Children(path string) ([]string, *Stat, error) {
	names, stat, _, err := c.children(path, false)
	return names, orZero(stat), err
}

// ChildrenW is Children, and sets a one-shot watch: the channel delivers one event, when a child is created or deleted, or
// path itself is deleted. It delivers as that of [Conn.GetW] does.
func (c *Conn) ChildrenW(path string) ([]string, *Stat, <-chan Event, error) {
	return c.children(path, true)
}

func (c *Conn) children(path string, watch bool) ([]string, *Stat, <-chan Event, error) {
	p, err := c.serverPath(path)
	if err != nil {
		return nil, nil, nil, err
	}
	cl := c.newCall(wire.OpGetChildren2)
	cl.body = (&wire.GetChildrenRequest{Path: p, Watch: watch}).Append(cl.body)
	events := c.watchFor(cl, p, watchChild, watch)
	if err := c.do(cl); err != nil {
		return nil, nil, nil, err
	}
	defer cl.free()
	var r wire.GetChildren2Response
	if err := c.decode(cl, r.Decode); err != nil {
		return nil, nil, nil, err
	}
	return c.receivedNames(r.Children), statOf(&r.Stat), events, nil
}

// Set replaces the data of path if its version is version, or whatever it is if that is -1, and returns the new Stat.
// nil is stored as null, which the server keeps apart from empty data.
// Errors: ErrNoNode, ErrBadVersion, ErrNoAuth without PermWrite, ErrTooLarge, ErrQuotaExceeded.
func (c *Conn) Set(path string, data []byte, version int32) (*Stat, error) {
	p, err := c.serverPath(path)
	if err != nil {
		return new(Stat), err
	}
	cl := c.newCall(wire.OpSetData)
	cl.body = (&wire.SetDataRequest{Path: p, Data: data, Version: version}).Append(cl.body)
	if err := c.do(cl); err != nil {
		return new(Stat), err
	}
	defer cl.free()
	var r wire.SetDataResponse
	if err := c.decode(cl, r.Decode); err != nil {
		return new(Stat), err
	}
	return statOf(&r.Stat), nil
}

// Delete deletes path if its version is version, or whatever it is if that is -1.
// Errors: ErrNoNode, ErrBadVersion, ErrNotEmpty, ErrNoAuth without PermDelete on the parent.
func (c *Conn) Delete(path string, version int32) error {
	p, err := c.serverPath(path)
	if err != nil {
		return err
	}
	cl := c.newCall(wire.OpDelete)
	cl.body = (&wire.DeleteRequest{Path: p, Version: version}).Append(cl.body)
	return c.doEmpty(cl)
}

// GetACL returns the ACL of path and its Stat. The server masks the password hashes of digest
// identities from sessions without PermAdmin. Errors: ErrNoNode, ErrNoAuth without PermRead and PermAdmin.
func (c *Conn) GetACL(path string) ([]ACL, *Stat, error) {
	p, err := c.serverPath(path)
	if err != nil {
		return nil, new(Stat), err
	}
	cl := c.newCall(wire.OpGetACL)
	cl.body = (&wire.GetACLRequest{Path: p}).Append(cl.body)
	if err := c.do(cl); err != nil {
		return nil, new(Stat), err
	}
	defer cl.free()
	var r wire.GetACLResponse
	if err := c.decode(cl, r.Decode); err != nil {
		return nil, new(Stat), err
	}
	return aclOf(r.ACL), statOf(&r.Stat), nil
}

// SetACL replaces the ACL of path if its aversion is version, or whatever it is if that is -1. No watch fires.
// Errors: ErrNoNode, ErrBadVersion, ErrInvalidACL, ErrNoAuth without PermAdmin.
func (c *Conn) SetACL(path string, acl []ACL, version int32) (*Stat, error) {
	p, err := c.serverPath(path)
	if err != nil {
		return new(Stat), err
	}
	cl := c.newCall(wire.OpSetACL)
	cl.body = (&wire.SetACLRequest{Path: p, ACL: wireACL(acl), Version: version}).Append(cl.body)
	if err := c.do(cl); err != nil {
		return new(Stat), err
	}
	defer cl.free()
	var r wire.SetACLResponse
	if err := c.decode(cl, r.Decode); err != nil {
		return new(Stat), err
	}
	return statOf(&r.Stat), nil
}

// Sync makes the server of this connection catch up with the leader: what this client reads afterwards includes every change
// that was acknowledged to anybody before Sync was called. It returns path, of which nothing else is asked.
func (c *Conn) Sync(path string) (string, error) {
	p, err := c.serverPath(path)
	if err != nil {
		return "", err
	}
	cl := c.newCall(wire.OpSync)
	cl.body = (&wire.SyncRequest{Path: p}).Append(cl.body)
	if err := c.do(cl); err != nil {
		return "", err
	}
	defer cl.free()
	var r wire.SyncResponse
	if err := c.decode(cl, r.Decode); err != nil {
		return "", err
	}
	return c.receivedPath(r.Path)
}

// Create creates a znode at path with the given data and ACL, and returns its path, which for FlagSequence
// ends in ten digits. flags is a combination of FlagEphemeral and FlagSequence, or FlagContainer.
//
// Errors: ErrNodeExists, ErrNoNode if the parent is missing, ErrNoChildrenForEphemerals if it is ephemeral, ErrNoAuth
// without PermCreate on it, ErrInvalidACL, ErrTooLarge.
func (c *Conn) Create(path string, data []byte, flags int32, acl []ACL) (string, error) {
	if flags < FlagPersistent || flags > FlagContainer {
		return "", ErrInvalidFlags
	}
	if flags == FlagContainer {
		return c.CreateContainer(path, data, flags, acl)
	}
	cl, err := c.create(wire.OpCreate, path, data, flags, acl)
	if err != nil {
		return "", err
	}
	if err := c.do(cl); err != nil {
		return "", err
	}
	defer cl.free()
	var r wire.CreateResponse
	if err := c.decode(cl, r.Decode); err != nil {
		return "", err
	}
	return c.receivedPath(r.Path)
}

// CreateStat is Create, and returns the Stat of the znode too. Where the server lacks [FeatureCreate2] it asks for
// the Stat after the create, and returns ErrNoNode next to the path if the znode has gone meanwhile.
func (c *Conn) CreateStat(path string, data []byte, flags int32, acl []ACL) (string, *Stat, error) {
	if flags < FlagPersistent || flags > FlagEphemeralSequential {
		return "", nil, ErrInvalidFlags
	}
	cl, err := c.create(wire.OpCreate2, path, data, flags, acl)
	if err != nil {
		return "", nil, err
	}
	created, stat, err := c.doCreate2(cl)
	if lacks(err) {
		return c.createThenStat(path, data, flags, acl)
	}
	if stat != nil { // in which some versions of ClickHouse Keeper say 0: ClickHouse#108909
		stat.DataLength = int32(len(data))
	}
	return created, stat, err
}

// createThenStat is CreateStat without create2. What fails after the create has taken effect.
func (c *Conn) createThenStat(path string, data []byte, flags int32, acl []ACL) (string, *Stat, error) {
	created, err := c.Create(path, data, flags, acl)
	if err != nil {
		return "", nil, err
	}
	for {
		found, stat, err := c.Exists(created)
		switch {
		case retryable(err):
			continue
		case errors.As(err, new(*InterruptedError)):
			return created, nil, &InterruptedError{Sent: true, Err: c.ctx.Err()}
		case err != nil:
			return created, nil, fmt.Errorf("%w: created, and then: %w", ErrConnectionClosed, err)
		case !found:
			return created, nil, ErrNoNode
		}
		return created, stat, nil
	}
}

// CreateContainer creates a container (3.5 on, else ErrUnimplemented): the server deletes it some time after its last
// child has gone. flag is FlagContainer.
func (c *Conn) CreateContainer(path string, data []byte, flag int32, acl []ACL) (string, error) {
	if flag != FlagContainer {
		return "", ErrInvalidFlags
	}
	cl, err := c.create(wire.OpCreateContainer, path, data, flag, acl)
	if err != nil {
		return "", err
	}
	created, _, err := c.doCreate2(cl)
	return created, err
}

// CreateTTL creates a znode that the server deletes when it has not changed for ttl and has no children (3.5 on, with
// extendedTypesEnabled, else ErrUnimplemented). flag is FlagTTL or FlagPersistentSequentialWithTTL.
func (c *Conn) CreateTTL(path string, data []byte, flag int32, acl []ACL, ttl time.Duration) (string, error) {
	if flag != FlagTTL && flag != FlagPersistentSequentialWithTTL {
		return "", ErrInvalidFlags
	}
	if err := validateCreate(path, flag == FlagPersistentSequentialWithTTL); err != nil {
		return "", err
	}
	cl := c.newCall(wire.OpCreateTTL)
	cl.body = (&wire.CreateTTLRequest{
		Path: c.withChroot(path), Data: data, ACL: wireACL(acl), Flags: flag, TTL: ttl.Milliseconds(),
	}).Append(cl.body)
	created, _, err := c.doCreate2(cl)
	return created, err
}

func (c *Conn) create(op wire.Op, path string, data []byte, flags int32, acl []ACL) (*call, error) {
	if err := validateCreate(path, flags&FlagSequence != 0); err != nil {
		return nil, err
	}
	cl := c.newCall(op)
	cl.body = (&wire.CreateRequest{
		Path: c.withChroot(path), Data: data, ACL: wireACL(acl), Flags: flags,
	}).Append(cl.body)
	return cl, nil
}

// doCreate2 does a create that is answered with a Stat.
func (c *Conn) doCreate2(cl *call) (string, *Stat, error) {
	if err := c.do(cl); err != nil {
		return "", nil, err
	}
	defer cl.free()
	var r wire.Create2Response
	if err := c.decode(cl, r.Decode); err != nil {
		return "", nil, err
	}
	created, err := c.receivedPath(r.Path)
	if err != nil {
		return "", nil, err
	}
	return created, statOf(&r.Stat), nil
}
