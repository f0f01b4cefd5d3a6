package history

import (
	"cmp"
	"math"
	"slices"
)

// effect: what was acknowledged was done once, what failed was not done, and the rest was done once or not.
func (c *checker) effect(op *Op) {
	ch := c.chains[op.Path]
	var times int
	switch op.Kind {
	case Write, Append:
		times = ch.times[op.Value]
	case Rename:
		times = c.moves[[2]string{op.Path, op.To}]
	case Create:
		if op.Outcome == OK && ch.times[op.Value] == 0 {
			c.breach("lost: the content of %v", op)
		}
		return
	case Read, Sync, Stat:
		if _, ok := ch.first[op.Value]; !ok && op.Outcome == OK && !ch.drafted(op) {
			c.breachOf(op, "seen, but never there: %v", op)
		}
		return
	default:
		return
	}
	switch {
	case times > 1:
		c.breach("done %d times: %v", times, op)
	case times == 0 && op.Outcome == OK:
		c.breach("lost: %v", op)
	case times == 1 && op.Outcome == Failed:
		c.breach("done, although it failed: %v", op)
	}
}

// order: writes stand in the order of the calls, where one ended before the other began; and nobody wrote what nobody asked for.
func (c *checker) order(path string, ch *chain) {
	if len(ch.writers) == 0 {
		return
	}
	cut := 0 // programs that may have been ended between the truncation of the file and the writing
	for _, op := range ch.ops {
		if op.Kind == Write && op.Outcome == Unknown {
			cut++
		}
	}
	end := int64(math.MaxInt64) // the earliest of those that stand behind
	var behind *Op
	for i := len(ch.versions) - 1; i > 0; i-- {
		op := ch.writers[i]
		if op == nil {
			if cut--; len(ch.versions[i].change.Data) == 0 && cut >= 0 {
				continue
			}
			c.breach("%s: nobody wrote the content of zxid %#x: %.200q", path, ch.versions[i].change.Zxid, ch.versions[i].change.Data)
			continue
		}
		if end < op.Start {
			c.breach("out of order: %v stands behind %v", behind, op)
		}
		if op.Outcome == OK && op.End < end {
			end, behind = op.End, op
		}
	}
}

// creates: of those who create a file exclusively one is told that it did, unless that one was told nothing certain.
func (c *checker) creates() {
	for path, ch := range c.chains {
		var winner *Op
		creates, certain := 0, 0
		for _, op := range ch.ops {
			if op.Kind != Create {
				continue
			}
			creates++
			switch {
			case op.Outcome == Failed:
				certain++
			case op.Outcome == OK && winner != nil:
				c.breach("two created it: %v, %v", winner, op)
			case op.Outcome == OK:
				winner = op
			}
		}
		if creates > 0 && certain == creates && len(ch.versions) > 1 {
			c.breach("%s: it was created, but everybody was told that somebody else did", path)
		}
	}
}

// thawed reports whether who answered op was frozen during it: its answer may have been on the way before.
func (c *checker) thawed(op *Op) bool {
	return slices.ContainsFunc(c.Frozen[op.View], func(s Span) bool { return s.Start <= op.End && op.Start <= s.End })
}

// locks: who is told that it holds the lock is told so before the next one gets it, unless it was frozen meanwhile.
func (c *checker) locks() {
	for path, ch := range c.chains {
		var granted, touches []*Op
		for _, op := range ch.ops {
			switch {
			case op.Outcome != OK:
			case op.Kind == Lock:
				granted = append(granted, op)
			case op.Kind == Touch:
				touches = append(touches, op)
			}
		}
		slices.SortFunc(granted, func(a, b *Op) int { return cmp.Compare(a.Fence, b.Fence) })
		for i := 1; i < len(granted); i++ {
			if granted[i].Fence == granted[i-1].Fence {
				c.breach("%s: one fencing number for two: %v, %v", path, granted[i-1], granted[i])
			}
		}
		// The earliest grant among those with a larger fencing number.
		next := make([]*Op, len(granted)+1)
		for i := len(granted) - 1; i >= 0; i-- {
			next[i] = granted[i]
			if n := next[i+1]; n != nil && n.End < granted[i].End {
				next[i] = n
			}
		}
		for _, touch := range touches {
			i, _ := slices.BinarySearchFunc(granted, touch.Fence+1, func(op *Op, fence int64) int { return cmp.Compare(op.Fence, fence) })
			if n := next[i]; n != nil && n.End < touch.Start && !c.thawed(touch) {
				c.breach("two hold the lock: %v, although %v", touch, n)
			}
		}
	}
}
