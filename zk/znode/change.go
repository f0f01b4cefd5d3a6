package znode

import (
	"bytes"
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// Create makes a znode once, although replies get lost. flags is zk.FlagPersistent, FlagEphemeral
// or FlagContainer; a sequential znode is not made twice by
// [zk.Conn.CreateProtectedEphemeralSequential].
//
// When a reply was lost and the znode is there, Create compares it with what it would make. It
// cannot tell a persistent znode of the same data that another client has made meanwhile from its
// own. An ephemeral one has to belong to the session: [zk.ErrSessionExpired] says that the session
// ended while its fate was unknown, and the znode with it.
func Create(
	ctx context.Context, c *zk.Conn, path string, data []byte, flags int32, acl []zk.ACL,
) error {
	if flags != zk.FlagPersistent && flags != zk.FlagEphemeral && flags != zk.FlagContainer {
		return zk.ErrInvalidFlags
	}
	c = c.WithContext(ctx)
	var sent int64 // the session in which a create may have taken effect
	expired := false
	err := Retry(ctx, func(applied bool) error {
		own := c.SessionID()
		if expired = applied && flags == zk.FlagEphemeral && own != sent; expired {
			return nil
		}
		err := create(c, path, data, flags, acl)
		if sent = own; own == 0 {
			sent = c.SessionID() // the call has waited for the first session
		}
		if !applied || !errors.Is(err, zk.ErrNodeExists) {
			return err
		}
		found, stat, lookErr := look(c, path)
		switch {
		case lookErr != nil:
			return lookErr
		case stat == nil || stat.Version != 0 || !bytes.Equal(found, data):
			return err
		case flags == zk.FlagEphemeral && stat.EphemeralOwner != sent:
			return err
		}
		return nil
	})
	if expired {
		return zk.ErrSessionExpired
	}
	return err
}

func create(c *zk.Conn, path string, data []byte, flags int32, acl []zk.ACL) error {
	var err error
	if flags == zk.FlagContainer {
		_, err = c.CreateContainer(path, data, flags, acl)
	} else {
		_, err = c.Create(path, data, flags, acl)
	}
	return err
}

// look returns a znode as the leader has it; the Stat is nil if there is none.
func look(c *zk.Conn, path string) ([]byte, *zk.Stat, error) {
	if _, err := c.Sync(path); err != nil {
		return nil, nil, err
	}
	data, stat, err := c.Get(path)
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil, nil
	}
	return data, stat, err
}

// Set replaces the data of a znode once, although replies get lost: version is that which it must
// have, and with -1 the last call wins. When a reply was lost and the version no longer fits, Set
// looks whether the znode has just its data in the next version.
func Set(
	ctx context.Context, c *zk.Conn, path string, data []byte, version int32,
) (*zk.Stat, error) {
	c = c.WithContext(ctx)
	var stat *zk.Stat
	err := Retry(ctx, func(applied bool) (err error) {
		if stat, err = c.Set(path, data, version); !applied || !errors.Is(err, zk.ErrBadVersion) {
			return err
		}
		found, now, lookErr := look(c, path)
		if lookErr != nil {
			return lookErr
		}
		if now == nil || now.Version != version+1 || !bytes.Equal(found, data) {
			return err
		}
		stat = now
		return nil
	})
	return stat, err
}

// Delete deletes a znode once, although replies get lost: a znode that is missing after such a loss
// counts as deleted. version is that which it must have, or -1.
func Delete(ctx context.Context, c *zk.Conn, path string, version int32) error {
	c = c.WithContext(ctx)
	return Retry(ctx, func(applied bool) error {
		err := c.Delete(path, version)
		if applied && errors.Is(err, zk.ErrNoNode) {
			return nil
		}
		return err
	})
}

// Discard deletes a znode for certain: where ctx ends first, it returns an InterruptedError and the
// deletion goes on in the background until a server has answered or c is closed. A missing znode is
// deleted. The name must be one that no other client uses again, as that of a sequential znode:
// what would be deleted late is the znode that has the name then.
func Discard(ctx context.Context, c *zk.Conn, path string) error {
	err := Delete(ctx, c, path, -1)
	var interrupted *zk.InterruptedError
	if errors.As(err, &interrupted) {
		life := context.WithoutCancel(ctx)
		go Delete(life, c, path, -1) // ends when a server has answered or c is closed
	}
	if errors.Is(err, zk.ErrNoNode) {
		return nil
	}
	return err
}
