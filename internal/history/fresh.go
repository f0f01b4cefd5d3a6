package history

import (
	"cmp"
	"slices"
	"time"
)

// fresh: what was replaced is not read for longer than promised, and not at all after a sync; and watches miss nothing.
func (c *checker) fresh(path string, ch *chain) {
	for _, op := range ch.ops {
		switch {
		case op.Kind == Event:
			c.event(ch, op)
		case op.Outcome != OK:
		case op.Kind == Read || op.Kind == Stat:
			c.stale(ch, op, op.Start)
		case op.Kind == Sync:
			if i, ok := ch.index(op); ok && ch.proved[i+1] < op.Start {
				c.breach("a sync showed what was replaced %v before: %v", time.Duration(op.Start-ch.proved[i+1]), op)
			}
		}
	}
}

// event: the event for a change of what was watched comes in time. One whose process was ended waits for nothing.
func (c *checker) event(ch *chain, op *Op) {
	i, ok := ch.first[op.Value]
	if !ok || op.Outcome == Failed {
		return
	}
	replaced := max(ch.proved[i+1], op.Start)
	if late := c.exceeds(replaced, op.End); late > 0 {
		c.breach("missed, or %v late: %v", late, op)
	}
}

// stale: what a read returned was not replaced too long before.
func (c *checker) stale(ch *chain, op *Op, at int64) {
	i, ok := ch.index(op)
	if !ok {
		return
	}
	if late := c.exceeds(ch.proved[i+1], at); late > 0 {
		c.breach("stale by %v: %v", late, op)
	}
}

// exceeds returns by how much the time from what happened to when it was not known exceeds the promise.
func (c *checker) exceeds(happened, unknown int64) time.Duration {
	if unknown <= happened {
		return 0
	}
	late := time.Duration(unknown-happened) - c.promise.Stale
	for _, s := range c.Calm {
		if s.contains(unknown) {
			late = max(late, time.Duration(unknown-max(happened, s.Start))-c.promise.Calm)
		}
	}
	return late
}

// monotonic: in one view, what was read or written is not followed by a read of an older version.
func (c *checker) monotonic() {
	type key struct{ view, path string }
	views := map[key][]*Op{}
	for path, ch := range c.chains {
		for _, op := range ch.ops {
			if _, ok := ch.index(op); ok && op.View != "" && op.View != Unclear {
				views[key{op.View, path}] = append(views[key{op.View, path}], op)
			}
		}
	}
	for key, ops := range views {
		ch := c.chains[key.path]
		byEnd := slices.Clone(ops)
		slices.SortFunc(ops, func(a, b *Op) int { return cmp.Compare(a.Start, b.Start) })
		slices.SortFunc(byEnd, func(a, b *Op) int { return cmp.Compare(a.End, b.End) })
		newest, latest := -1, (*Op)(nil)
		for _, op := range ops {
			for len(byEnd) > 0 && byEnd[0].End < op.Start {
				if i, _ := ch.index(byEnd[0]); i > newest {
					newest, latest = i, byEnd[0]
				}
				byEnd = byEnd[1:]
			}
			if i, _ := ch.index(op); i < newest && (op.Kind == Read || op.Kind == Sync || op.Kind == Stat) {
				c.breachOf(op, "back in time by %d versions: %v after %v", newest-i, op, latest)
			}
		}
	}
}
