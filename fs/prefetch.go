package fs

import (
	"bytes"
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// A directory's entries are fetched in batches: one request brings the data and the Stats of many znodes, at the price of one.
// The servers put no limit on its reply, and a directory may hold a gigabyte. So the first batch is small, and the
// next ones are as large as the bytes seen allow. Where other directories have had small znodes, it is less small.
const (
	firstBatch = 32
	likeBatch  = 128
	maxBatch   = 1024
	batchBytes = 1 << 20 // what a reply should have at most
)

// firstBatch returns the size of the first batch of a directory.
func (v *view) firstBatch() int {
	if n := v.lastBatch.Load(); n > 0 {
		return int(n)
	}
	return firstBatch
}

// nextBatch returns the size of the batch after one of n entries which had size bytes.
func nextBatch(n, size int) int {
	if size > 0 {
		if fit := int(int64(n) * batchBytes / int64(size)); fit < 2*n {
			return max(fit, 1)
		}
	}
	return min(2*n, maxBatch)
}

// many returns what is known about several znodes: from the cache, the rest from the servers in few requests, whatever their number.
// The Stat of a missing one is nil. size is how many bytes of data they have.
func (v *view) many(ctx context.Context, paths []string) (found []snapshot, size int, err error) {
	found = make([]snapshot, len(paths))
	var ask []string
	var at []int
	for i, path := range paths {
		if s, ok := v.cache.look(path); ok {
			found[i] = s
			size += len(s.data)
			continue
		}
		ask, at = append(ask, path), append(at, i)
	}
	if len(ask) == 0 {
		return found, size, v.addAllPerms(ctx, paths, found)
	}
	tickets := make([]ticket, len(ask))
	for i, path := range ask {
		tickets[i] = v.cache.begin(path)
	}
	replies, err := v.fetch(ctx, ask)
	fetched := 0
	for i, t := range tickets {
		switch {
		case err != nil:
			v.cache.cancel(t)
			continue
		case !v.watch.covers() || replies[i].denied:
			v.cache.cancel(t)
			found[at[i]] = replies[i]
		default:
			found[at[i]] = v.cache.fill(t, replies[i])
		}
		fetched += len(replies[i].data)
	}
	if err != nil {
		return nil, 0, err
	}
	if fetched > 0 {
		v.lastBatch.Store(int32(max(1, min(len(ask)*batchBytes/fetched, likeBatch))))
	}
	return found, size + fetched, v.addAllPerms(ctx, paths, found)
}

// fetch asks the servers about several znodes.
func (v *view) fetch(ctx context.Context, paths []string) ([]snapshot, error) {
	replies := make([]snapshot, len(paths))
	var rest []int // those whose data can not be read, or not this way
	ops := make([]any, len(paths))
	for i, path := range paths {
		ops[i] = &zk.GetDataRequest{Path: path}
	}
	var results []zk.Result
	var err error = zk.ErrUnimplemented
	if !v.lacksMultiRead.Load() {
		results, err = v.conn.WithContext(ctx).MultiRead(ops...)
	}
	switch {
	case errors.Is(err, zk.ErrUnimplemented):
		v.lacksMultiRead.Store(true) // such a server closes the connection over it
		for i := range paths {
			rest = append(rest, i)
		}
	case err != nil && v.watch.again(ctx, err):
		return v.fetch(ctx, paths)
	case err != nil:
		return nil, err
	}
	for i, r := range results {
		switch {
		case r.Err == nil:
			// Copied: a part of the reply that is kept must not keep the rest of it in memory.
			stat := *r.Stat
			replies[i] = snapshot{stat: &stat, data: bytes.Clone(r.Data), hasData: true}
		case !errors.Is(r.Err, zk.ErrNoNode):
			rest = append(rest, i)
		}
	}
	return replies, v.fetchStats(ctx, paths, rest, replies)
}

// fetchStats asks for the Stats of paths[i] for each i of which.
func (v *view) fetchStats(ctx context.Context, paths []string, which []int, replies []snapshot) error {
	for len(which) > 0 {
		ops := make([]any, len(which))
		for k, i := range which {
			ops[k] = &zk.ExistsRequest{Path: paths[i]}
		}
		var left []int
		for k, r := range v.conn.WithContext(ctx).Pipeline(ops...) {
			switch {
			case r.Err == nil:
				replies[which[k]].stat = r.Stat
			case errors.Is(r.Err, zk.ErrNoNode):
			case errors.Is(r.Err, zk.ErrNoAuth):
				replies[which[k]].denied = true
			case v.watch.again(ctx, r.Err):
				left = append(left, which[k])
			default:
				return r.Err
			}
		}
		which = left
	}
	return nil
}
