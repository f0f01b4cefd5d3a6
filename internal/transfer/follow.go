package transfer

import (
	"context"
	"slices"

	"github.com/zkfs/zkfs/internal/cut"
)

// Apply makes changes of the source in the tree too, in one transaction if they fit one. An error
// leaves the tree between two states of the source: Run in the mode Replace then.
func (t *Transfer) Apply(ctx context.Context, changes *cut.Changes) error {
	paths := slices.Clone(changes.Gone)
	for _, r := range changes.Records {
		paths = append(paths, r.Path)
	}
	slices.SortFunc(paths, cut.Compare)
	have, err := cut.Read(ctx, t.Conn, t.Root, paths)
	if err != nil {
		return err
	}
	w := &writer{c: t.Conn.WithContext(ctx), root: t.Root, done: t.Step}
	p := &planner{mode: Replace, versions: t.Versions, grant: t.Grant, do: w.do,
		conflict: func(string, string) {}, remark: t.Remark}
	if err := p.plan(Lasting(streamOf(changes.Records)), streamOf(have)); err != nil {
		return err
	}
	return w.flush()
}

func streamOf(records []cut.Record) Stream {
	return func(yield func(*cut.Record, error) bool) {
		for i := range records {
			if !yield(&records[i], nil) {
				return
			}
		}
	}
}
