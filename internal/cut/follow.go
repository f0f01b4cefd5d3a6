package cut

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// Changes are the znodes that differ between two states of a tree.
type Changes struct {
	Zxid    int64 // the transaction after which the tree is as these changes make it
	Records []Record
	Gone    []string // parents before their children
}

// Next waits until the tree has changed, and returns what makes the last state that was read one
// after a later transaction. Records are to be read before the first Next. [ErrLost] says that
// events are missing: take another cut.
func (cut *Cut) Next(ctx context.Context) (*Changes, error) {
	r := cut.r
	select {
	case <-r.changes.wake:
	case <-ctx.Done():
		return nil, &zk.InterruptedError{Err: ctx.Err()}
	}
	r.again = map[string]int64{}
	if err := cut.close(); znode.Passing(err) {
		return nil, ErrLost
	} else if err != nil {
		return nil, err
	}
	changes := &Changes{Zxid: cut.Zxid}
	for _, path := range slices.SortedFunc(maps.Keys(r.again), Compare) {
		at := r.again[path]
		if at == gone {
			changes.Gone = append(changes.Gone, path)
			continue
		}
		record := Record{Path: path}
		if err := r.spool.read(at, &record); err != nil {
			return nil, err
		}
		record.Sequence = r.sequence(&record)
		changes.Records = append(changes.Records, record)
	}
	return changes, r.spool.reset()
}

// Waiting reports whether changes have been heard of that Next has not returned.
func (cut *Cut) Waiting() bool {
	cut.r.changes.mu.Lock()
	defer cut.r.changes.mu.Unlock()
	return len(cut.r.changes.paths) > 0 || cut.r.changes.err != nil
}

// Read reads some znodes of a tree, in the order of their paths, which are those from root. What is
// missing is left out. They are of different moments.
func Read(ctx context.Context, c *zk.Conn, root string, paths []string) ([]Record, error) {
	c = c.WithContext(ctx)
	counts := c.Features()[zk.FeaturePzxid] == zk.Supported
	var records []Record
	for some := range slices.Chunk(paths, maxBatch) {
		b := &batch{}
		for _, p := range some {
			if p == "/" {
				b.paths = append(b.paths, root)
			} else {
				b.paths = append(b.paths, znode.Join(root, p[1:]))
			}
		}
		if b.read(c); b.err != nil {
			return nil, b.err
		}
		for i, path := range some {
			data, acl := b.data[i], b.acls[i]
			switch {
			case errors.Is(data.Err, zk.ErrNoNode):
				continue
			case data.Err != nil:
				return nil, data.Err
			}
			r := Record{Path: path, Data: data.Data, Stat: *data.Stat, ACL: acl.ACL, Sequence: Unknown}
			if counts {
				r.Sequence = Sequence(data.Stat)
			}
			records = append(records, r)
		}
	}
	return records, nil
}
