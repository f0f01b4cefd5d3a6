package main

import (
	"slices"
	"time"
)

// A burst is changes that come one after another. It is over when none has come for some time, and
// at the latest after ten times as long: a file that changes all the time is told of too.
type burst struct {
	quiet time.Duration    // 0 if each change is told at once
	over  <-chan time.Time // nil while there is none

	began time.Time
	kept  []change // the last of each file, the oldest first
}

// add adds a change, and begins a burst if there is none.
func (b *burst) add(c change) {
	if len(b.kept) == 0 {
		b.began = c.Time
	}
	b.kept = slices.DeleteFunc(b.kept, func(k change) bool { return k.Path == c.Path && k.File == c.File })
	b.kept = append(b.kept, c)
	b.over = time.After(min(b.quiet, 10*b.quiet-c.Time.Sub(b.began)))
}

// take ends the burst and returns its changes.
func (b *burst) take() []change {
	kept := b.kept
	b.kept, b.over = nil, nil
	return kept
}
