package cut

import (
	"context"
	"maps"
	"slices"

	"github.com/zkfs/zkfs/zk"
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
	if err := cut.close(); err != nil {
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
