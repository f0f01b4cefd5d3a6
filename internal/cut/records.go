package cut

import (
	"iter"
	"maps"
	"slices"
)

// Records goes through the znodes of the cut in the order of [Compare]. A Record is valid until
// the next one.
func (cut *Cut) Records() iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		r := cut.r
		later := slices.SortedFunc(maps.Keys(r.again), Compare)
		var record Record
		show := func(path string, at int64) bool {
			if at == gone {
				return true
			}
			record.Path = path
			if err := r.spool.read(at, &record); err != nil {
				yield(nil, err)
				return false
			}
			record.Sequence = r.sequence(&record)
			return yield(&record, nil)
		}
		whole := r.tree.walk(0, "/", func(path string, at int64) bool {
			for len(later) > 0 && Compare(later[0], path) <= 0 {
				p := later[0]
				later = later[1:]
				if p == path {
					at = r.again[p]
					break
				}
				if !show(p, r.again[p]) {
					return false
				}
			}
			return show(path, at)
		})
		for _, p := range later {
			if !whole || !show(p, r.again[p]) {
				return
			}
		}
	}
}
