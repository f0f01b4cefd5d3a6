package history

import (
	"fmt"
	"strings"
	"time"
)

// A Span is a time, from its first to its last nanosecond.
type Span struct{ Start, End int64 }

func (s Span) contains(at int64) bool { return s.Start <= at && at <= s.End }

// A Run is all that is known about a run.
type Run struct {
	Ops     []*Op
	Changes []Change          // what the servers committed, see [ReadLogs]
	Calm    []Span            // when nothing was wrong, and nothing had been for long enough to recover
	Frozen  map[string][]Span // by view: when the process that answers for it could not run
	Cut     []error           // set by Check: the reads that may have been cut
}

// A Promise bounds what may be seen.
type Promise struct {
	Stale time.Duration // how long a content that was replaced may still be read, and an event may be on its way
	Calm  time.Duration // the same in calm times
	Call  time.Duration // how long a system call may take

	// Cut is how many of a thousand cached reads may show the beginning of the content only. The kernel learns the size of a new version
	// by one answer and its content by another; which it digests first is its affair.
	Cut float64
}

// Check returns what breaks the promise.
func Check(r *Run, p Promise) []error {
	c := &checker{Run: r, promise: p, chains: map[string]*chain{}}
	c.build()
	for _, op := range r.Ops {
		c.effect(op)
		c.duration(op)
	}
	for path, chain := range c.chains {
		c.order(path, chain)
		c.fresh(path, chain)
	}
	c.monotonic()
	c.creates()
	c.locks()
	r.Cut = c.cut
	if cached := c.cached(); float64(len(c.cut)) > p.Cut*float64(cached)/1000 {
		c.breach("%d of %d cached reads were cut, %v in a thousand are promised", len(c.cut), cached, p.Cut)
		c.errs = append(c.errs, c.cut...)
	}
	return c.errs
}

// cached counts the reads that may be cut.
func (c *checker) cached() (n int) {
	for _, op := range c.Ops {
		if op.Cached && op.Outcome == OK {
			n++
		}
	}
	return n
}

// checker gathers the breaches of a promise.
type checker struct {
	*Run
	promise Promise
	chains  map[string]*chain // by path
	moves   map[[2]string]int // how often a transaction deleted the one path and created the other
	errs    []error
	cut     []error // reads that may have been cut
}

func (c *checker) breach(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// breachOf notes a breach that op shows. If it may only have been cut, it counts as that.
func (c *checker) breachOf(op *Op, format string, args ...any) {
	if err := fmt.Errorf(format, args...); op.Cached {
		c.cut = append(c.cut, err)
	} else {
		c.errs = append(c.errs, err)
	}
}

// A chain is all contents that a path has had. The first is that it was missing.
type chain struct {
	versions []version
	ops      []*Op          // that are about the path
	first    map[string]int // by digest, and by appended line: the index of the first version with it
	times    map[string]int // how many versions have the digest, and how often the line was appended
	writers  map[int]*Op    // by index: who wrote the version
	proved   []int64        // by index: the earliest end of an operation that shows that this version, or a later one, was there
}

type version struct {
	change *Change
	digest string
}

// build makes the chains of the paths that operations are about.
func (c *checker) build() {
	appended := map[string]bool{}
	for _, op := range c.Ops {
		ch := c.chains[op.Path]
		if ch == nil {
			ch = &chain{
				versions: []version{{digest: Missing}},
				first:    map[string]int{Missing: 0}, times: map[string]int{},
			}
			c.chains[op.Path] = ch
		}
		ch.ops = append(ch.ops, op)
		appended[op.Path] = appended[op.Path] || op.Kind == Append
	}
	c.moves = map[[2]string]int{}
	deleted := map[int64][]string{}
	for i := range c.Changes {
		change := &c.Changes[i]
		if ch := c.chains[change.Path]; ch != nil && change.Kind != Deleted {
			c.extend(ch, change, appended[change.Path])
		}
		if change.Kind == Deleted {
			deleted[change.Zxid] = append(deleted[change.Zxid], change.Path)
		}
	}
	for i := range c.Changes {
		change := &c.Changes[i]
		for _, from := range deleted[change.Zxid] {
			if change.Kind == Created {
				c.moves[[2]string{from, change.Path}]++
			}
		}
	}
	for _, ch := range c.chains {
		ch.attribute()
		ch.prove()
	}
}

// extend adds a version.
func (c *checker) extend(ch *chain, change *Change, appended bool) {
	var before string
	if last := ch.versions[len(ch.versions)-1].change; last != nil {
		before = string(last.Data)
	}
	at := len(ch.versions)
	digest := Digest(change.Data)
	ch.versions = append(ch.versions, version{change, digest})
	ch.note(digest, at)
	ch.note(Version(change.Version), at)
	if !appended {
		return
	}
	more, ok := strings.CutPrefix(string(change.Data), before)
	if !ok {
		c.breach("%s: zxid %#x does not continue what was there: %.200q became %.200q", change.Path, change.Zxid, before, change.Data)
	}
	for line := range strings.Lines(more) {
		ch.note(strings.TrimSuffix(line, "\n"), at)
	}
}

func (ch *chain) note(value string, at int) {
	if _, ok := ch.first[value]; !ok {
		ch.first[value] = at
	}
	ch.times[value]++
}

// empty is the content of a file that is truncated and not yet written: no version in particular.
var empty = Digest(nil)

// index returns which version the operation wrote or saw. It shows nothing if it was not successful.
func (ch *chain) index(op *Op) (int, bool) {
	switch op.Kind {
	case Read, Sync:
		if op.Value == empty {
			return 0, false
		}
		fallthrough
	case Write, Append, Create, Stat:
		i, ok := ch.first[op.Value]
		return i, ok && op.Outcome == OK
	}
	return 0, false
}

// attribute fills writers.
func (ch *chain) attribute() {
	ch.writers = map[int]*Op{}
	for _, op := range ch.ops {
		if i, ok := ch.first[op.Value]; ok && (op.Kind == Write || op.Kind == Append) {
			ch.writers[i] = op
		}
	}
}

// shows reports whether op shows that the servers had a version: what is read in the view of its writer may
// not have been sent yet.
func (ch *chain) shows(op *Op) (int, bool) {
	i, ok := ch.index(op)
	if w := ch.writers[i]; ok && w != nil && w != op && w.View != "" && (w.View == op.View || op.View == Unclear) {
		return 0, false
	}
	return i, ok
}

// drafted reports whether op may have read what somebody in its view was about to write: that is seen by all in the view before
// it is sent, first as an empty file and at last as something that others came before.
func (ch *chain) drafted(op *Op) bool {
	if op.View == Unclear {
		return true
	}
	for _, w := range ch.ops {
		if (w.Kind == Write || w.Kind == Append) && w.View != "" && (w.View == op.View || w.View == Unclear) && w.Start <= op.End && (w.Outcome == Unknown || op.Start <= w.End) {
			return true
		}
	}
	return false
}

// prove fills proved.
func (ch *chain) prove() {
	const never = int64(^uint64(0) >> 1)
	ch.proved = make([]int64, len(ch.versions)+1)
	for i := range ch.proved {
		ch.proved[i] = never
	}
	for _, op := range ch.ops {
		if i, ok := ch.shows(op); ok {
			ch.proved[i] = min(ch.proved[i], op.End)
		}
	}
	for i := len(ch.proved) - 2; i >= 0; i-- {
		ch.proved[i] = min(ch.proved[i], ch.proved[i+1])
	}
}

// duration: no system call takes longer than promised, unless nobody could answer it.
func (c *checker) duration(op *Op) {
	if op.End == 0 {
		return // its process was ended, which is checked where that is done
	}
	if took := Took(c.Run, op); took > c.promise.Call {
		c.breach("%s took %v: %v", op.Call, took, op)
	}
}

// Took returns how long the slowest system call of op took, without the time in which who answers was frozen.
func Took(r *Run, op *Op) time.Duration {
	took := op.Slowest
	for _, s := range r.Frozen[op.View] {
		if start, end := max(s.Start, op.Start), min(s.End, op.End); start < end {
			took -= end - start
		}
	}
	return time.Duration(took)
}
