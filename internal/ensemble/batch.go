package ensemble

import (
	"bytes"
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// A directory's entries are fetched in batches: one request brings the data and the Stats of many
// znodes, at the price of one. The servers put no limit on its reply, hold all of it in memory, and
// a directory may have a gigabyte. So the first batch is small, and the next ones are as large as
// the bytes seen allow. Where other directories have had small znodes, it is less small. However
// small the znodes were, the next ones may have a megabyte each, so that no batch is very large.
const (
	firstBatch = 32
	maxBatch   = 128
	batchBytes = 1 << 20 // what a reply should have at most
)

// FirstBatch returns the size of the first batch of a directory: how many znodes like those that
// were fetched last a reply may have.
func (e *Ensemble) FirstBatch() int {
	if n := e.lastBatch.Load(); n > 0 {
		return int(n)
	}
	return firstBatch
}

// NextBatch returns the size of the batch after one of n entries which had size bytes.
func NextBatch(n, size int) int {
	if size > 0 {
		if fit := int(int64(n) * batchBytes / int64(size)); fit < 4*n {
			return max(fit, 1)
		}
	}
	return min(4*n, maxBatch)
}

// Many calls each with what is known about several znodes: from the cache, the rest from the
// servers in few requests, whatever their number. The Stat of a missing one is nil. size is how
// many bytes of data they have. After an error not all may have been there.
func (e *Ensemble) Many(
	ctx context.Context, paths []string, each func(i int, s Snapshot),
) (size int, err error) {
	if !e.o.Perms {
		return e.manyStats(ctx, paths, each)
	}
	found := make([]Snapshot, len(paths))
	if size, err = e.manyStats(ctx, paths, func(i int, s Snapshot) { found[i] = s }); err != nil {
		return 0, err
	}
	if err := e.addAllPerms(ctx, paths, found); err != nil {
		return 0, err
	}
	for i, s := range found {
		each(i, s)
	}
	return size, nil
}

// manyStats is Many without what the session may do with them.
func (e *Ensemble) manyStats(
	ctx context.Context, paths []string, each func(i int, s Snapshot),
) (size int, err error) {
	var ask []string
	var at []int
	for i, path := range paths {
		if s, ok := e.cache.look(path); ok {
			each(i, s)
			size += len(s.Data)
			continue
		}
		if ask == nil {
			ask, at = make([]string, 0, len(paths)-i), make([]int, 0, len(paths)-i)
		}
		ask, at = append(ask, path), append(at, i)
	}
	if len(ask) == 0 {
		return size, nil
	}
	tickets := make([]ticket, len(ask))
	for k, path := range ask {
		tickets[k] = e.cache.begin(path)
	}
	fetched := 0
	err = e.fetch(ctx, ask, func(k int, s Snapshot) {
		fetched += len(s.Data)
		if !e.watch.covers() || s.Denied {
			e.cache.cancel(tickets[k])
		} else {
			s = e.cache.fill(tickets[k], s)
		}
		tickets[k] = ticket{}
		each(at[k], s)
	})
	for _, t := range tickets {
		if t != (ticket{}) {
			e.cache.cancel(t)
		}
	}
	if err != nil {
		return 0, err
	}
	if fetched > 0 {
		e.lastBatch.Store(int32(max(1, min(len(ask)*batchBytes/fetched, maxBatch))))
	}
	return size + fetched, nil
}

// fetch asks the servers about several znodes, and calls each once for each of them, in any order.
func (e *Ensemble) fetch(ctx context.Context, paths []string, each func(i int, s Snapshot)) error {
	var rest []int // those whose data can not be read, or not this way
	requests := make([]zk.GetDataRequest, len(paths))
	ops := make([]any, len(paths))
	for i, path := range paths {
		requests[i].Path = path
		ops[i] = &requests[i]
	}
	results, err := e.conn.WithContext(ctx).MultiRead(ops...)
	switch {
	case errors.Is(err, zk.ErrReplyTooLarge):
		return e.fetchHalves(ctx, paths, each)
	case err != nil && e.watch.again(ctx, err):
		return e.fetch(ctx, paths, each)
	case err != nil:
		return err
	}
	for i, r := range results {
		switch {
		case r.Err == nil:
			// Copied: a part of the reply that is kept must not keep the rest of it in memory.
			each(i, Snapshot{Stat: r.Stat, Data: bytes.Clone(r.Data), HasData: true})
		case errors.Is(r.Err, zk.ErrNoNode):
			each(i, Snapshot{})
		default:
			rest = append(rest, i)
		}
	}
	return e.fetchStats(ctx, paths, rest, each)
}

// fetchHalves is fetch in two requests, because the reply to a single one is too long. Of a single
// znode it fetches the Stat.
func (e *Ensemble) fetchHalves(
	ctx context.Context, paths []string, each func(i int, s Snapshot),
) error {
	if len(paths) == 1 {
		return e.fetchStats(ctx, paths, []int{0}, each)
	}
	mid := len(paths) / 2
	if err := e.fetch(ctx, paths[:mid], each); err != nil {
		return err
	}
	return e.fetch(ctx, paths[mid:], func(i int, s Snapshot) { each(mid+i, s) })
}

// fetchStats asks for the Stats of paths[i] for each i of which.
func (e *Ensemble) fetchStats(
	ctx context.Context, paths []string, which []int, each func(i int, s Snapshot),
) error {
	for len(which) > 0 {
		ops := make([]any, len(which))
		for k, i := range which {
			ops[k] = &zk.ExistsRequest{Path: paths[i]}
		}
		var left []int
		for k, r := range e.conn.WithContext(ctx).Pipeline(ops...) {
			switch {
			case r.Err == nil:
				each(which[k], Snapshot{Stat: r.Stat})
			case errors.Is(r.Err, zk.ErrNoNode):
				each(which[k], Snapshot{})
			case errors.Is(r.Err, zk.ErrNoAuth):
				each(which[k], Snapshot{Denied: true})
			case e.watch.again(ctx, r.Err):
				left = append(left, which[k])
			default:
				return r.Err
			}
		}
		which = left
	}
	return nil
}

// Lengths is Many without the data of znodes.
func (e *Ensemble) Lengths(
	ctx context.Context, paths []string, each func(i int, s Snapshot),
) error {
	all := make([]int, len(paths))
	for i := range all {
		all[i] = i
	}
	return e.fetchStats(ctx, paths, all, each)
}
