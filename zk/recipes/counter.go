package recipes

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// Form is how a [Counter] writes its number.
type Form int

const (
	Decimal Form = iota // text, as kazoo's Counter
	Int32               // four bytes, as Curator's SharedCount
	Int64               // eight bytes, as Curator's DistributedAtomicLong
)

// Counter is a number that processes share. An Add is done once or not at all, although replies get
// lost; if the session expires before its fate is known, Add returns an error for which
// [zk.MaybeApplied] reports true. Reading shows what one server knows: another client may have seen
// a later number. Many processes that add at once hinder each other; a counter is not for that.
//
// The number is in a znode without an owner: it outlives all sessions. Each Counter has an
// ephemeral child there as long as its session lives, by which it knows what it has done.
//
// Curator's SharedCount and DistributedAtomicLong and kazoo's Counter share the number, see [Form].
type Counter struct {
	c    *zk.Conn
	path string
	form Form
	acl  []zk.ACL

	mu   sync.Mutex // held by Add: two of one Counter would hinder each other
	mark string     // the path of the ephemeral child; guarded by mu
}

// markPrefix begins the names of marks.
const markPrefix = "adder-"

// NewCounter returns the counter at path, which is 0 while there is no such znode. Missing znodes
// are made with acl.
func NewCounter(c *zk.Conn, path string, form Form, acl []zk.ACL) *Counter {
	mark := znode.Join(path, markPrefix+newID())
	return &Counter{c: c, path: path, form: form, acl: acl, mark: mark}
}

// encode returns the bytes of a number.
func (f Form) encode(n int64) ([]byte, error) {
	switch f {
	case Int32:
		if n != int64(int32(n)) {
			return nil, fmt.Errorf("recipes: %d does not fit into four bytes", n)
		}
		return binary.BigEndian.AppendUint32(nil, uint32(n)), nil
	case Int64:
		return binary.BigEndian.AppendUint64(nil, uint64(n)), nil
	}
	return strconv.AppendInt(nil, n, 10), nil
}

// decode returns the number of bytes that a process has written. Without data it is 0.
func (f Form) decode(data []byte) (int64, error) {
	switch {
	case len(data) == 0:
		return 0, nil
	case f == Int32 && len(data) == 4:
		return int64(int32(binary.BigEndian.Uint32(data))), nil
	case f == Int64 && len(data) == 8:
		return int64(binary.BigEndian.Uint64(data)), nil
	case f == Decimal:
		return strconv.ParseInt(string(data), 10, 64)
	}
	return 0, fmt.Errorf("recipes: %d bytes are no number of this form", len(data))
}

// Get returns the number.
func (k *Counter) Get(ctx context.Context) (n int64, err error) {
	err = znode.Retry(ctx, func(bool) error {
		n, _, err = k.read(ctx)
		return err
	})
	return n, err
}

// read returns the number and the version of its znode, -1 if that is missing.
func (k *Counter) read(ctx context.Context) (n int64, version int32, err error) {
	data, stat, err := k.c.WithContext(ctx).Get(k.path)
	if errors.Is(err, zk.ErrNoNode) {
		return 0, -1, nil
	}
	if err != nil {
		return 0, 0, err
	}
	n, err = k.form.decode(data)
	return n, stat.Version, err
}

// Add adds delta and returns the sum.
func (k *Counter) Add(ctx context.Context, delta int64) (int64, error) {
	return k.change(ctx, func(n int64) int64 { return n + delta })
}

// Set replaces the number.
func (k *Counter) Set(ctx context.Context, n int64) error {
	_, err := k.change(ctx, func(int64) int64 { return n })
	return err
}

// change replaces the number by f of it, in one transaction with a set of the mark: the version of
// the mark says whether that was done.
func (k *Counter) change(ctx context.Context, f func(int64) int64) (sum int64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for {
		marked, err := k.ready(ctx)
		if err != nil {
			return 0, err
		}
		var version int32
		err = znode.Retry(ctx, func(bool) error {
			sum, version, err = k.read(ctx)
			return err
		})
		if err != nil {
			return 0, err
		}
		sum = f(sum)
		data, err := k.form.encode(sum)
		if err != nil {
			return 0, err
		}
		_, err = k.c.WithContext(ctx).Multi(
			&zk.SetDataRequest{Path: k.mark, Version: marked},
			&zk.SetDataRequest{Path: k.path, Data: data, Version: version})
		if zk.MaybeApplied(err) {
			err = k.resolve(ctx, marked, err)
		}
		if err == nil {
			return sum, nil
		}
		faster := errors.Is(err, zk.ErrBadVersion) // another process was
		again := faster || errors.Is(err, zk.ErrNoNode) || znode.Passing(err)
		if zk.MaybeApplied(err) || !again {
			return 0, err
		}
	}
}

// ready returns the version of the mark, which it makes with the znode where they are missing.
func (k *Counter) ready(ctx context.Context) (version int32, err error) {
	for {
		err = znode.Retry(ctx, func(bool) error {
			found, stat, err := k.c.WithContext(ctx).Exists(k.mark)
			if err == nil && found && stat.EphemeralOwner != k.c.SessionID() {
				// The servers may hold the earlier session for long.
				k.mark = znode.Join(k.path, markPrefix+newID())
				return errAgain
			}
			if err == nil && !found {
				return errAgain
			}
			if err == nil {
				version = stat.Version
			}
			return err
		})
		if !errors.Is(err, errAgain) {
			return version, err
		}
		zero, _ := k.form.encode(0)
		err = znode.CreateAll(ctx, k.c, k.path, zero, zk.FlagPersistent, k.acl)
		if err == nil || errors.Is(err, zk.ErrNodeExists) {
			err = znode.Create(ctx, k.c, k.mark, nil, zk.FlagEphemeral, k.acl)
		}
		again := errors.Is(err, zk.ErrNodeExists) || errors.Is(err, zk.ErrSessionExpired)
		if err != nil && !again {
			return 0, err
		}
	}
}

// resolve returns what became of a transaction whose reply was lost: nil if it was done,
// ErrBadVersion if it was not, and lost if the mark has gone with its session.
func (k *Counter) resolve(ctx context.Context, marked int32, lost error) error {
	c := k.c.WithContext(ctx)
	var found bool
	var stat *zk.Stat
	err := znode.Retry(ctx, func(bool) error {
		_, err := c.Sync(k.mark)
		if err == nil {
			found, stat, err = c.Exists(k.mark)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case !found:
		return lost
	case stat.Version == marked:
		return zk.ErrBadVersion
	}
	return nil
}
