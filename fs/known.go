package fs

import "time"

// peek returns what is known about the znode at path and may be used without a question.
func (e *Ensemble) peek(path string) (snapshot, bool) { return e.cache.look(path) }

// knows reports whether something is known about the znode at path that may be used.
func (e *Ensemble) knows(path string) bool { return e.cache.has(path) }

// missing reports whether a child of the znode at dir is known to be missing because the names of
// all children are known, and until when that is trusted.
func (e *Ensemble) missing(dir, name string) (missing bool, until time.Time) {
	return e.cache.absent(dir, name)
}

// hold notes that the caller keeps something that stands for the znode at path, until release: it
// counts as memory of the cache, and Options.Tell asks for it back.
func (e *Ensemble) hold(path string) { e.cache.hold(path) }

// release ends hold.
func (e *Ensemble) release(path string) { e.cache.release(path) }

// forgetAll forgets everything.
func (e *Ensemble) forgetAll() { e.cache.reset() }

// epoch returns the number of times when everything went stale at once, for what is learned in
// another way than by a question.
func (e *Ensemble) epoch() uint32 { return e.cache.currentEpoch() }

// covers reports whether everything is watched: an event comes for what is created too.
func (e *Ensemble) covers() bool { return e.watch.covers() }

// away returns for how long there has been no connection, 0 if there is one.
func (e *Ensemble) away() time.Duration { return e.watch.away() }

// trust returns the epoch, and how long what no watch stands for is trusted: a list of children
// that follows from changes of the caller, and an ACL.
func (e *Ensemble) trust() (epoch uint32, d time.Duration) { return e.cache.trust() }

// aclChangesSoFar returns how often the caller has changed an ACL.
func (e *Ensemble) aclChangesSoFar() uint64 { return e.aclChanges.Load() }
