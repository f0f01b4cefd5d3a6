package ensemble

import "time"

// Peek returns what is known about the znode at path and may be used without a question.
func (e *Ensemble) Peek(path string) (Snapshot, bool) { return e.cache.look(path) }

// Knows reports whether something is known about the znode at path that may be used.
func (e *Ensemble) Knows(path string) bool { return e.cache.has(path) }

// Missing reports whether a child of the znode at dir is known to be missing because the names of
// all children are known, and until when that is trusted.
func (e *Ensemble) Missing(dir, name string) (missing bool, until time.Time) {
	return e.cache.absent(dir, name)
}

// Hold notes that the caller keeps something that stands for the znode at path, until Release: it
// counts as memory of the cache, and Options.Tell asks for it back.
func (e *Ensemble) Hold(path string) { e.cache.hold(path) }

// Release ends Hold.
func (e *Ensemble) Release(path string) { e.cache.release(path) }

// ForgetAll forgets everything.
func (e *Ensemble) ForgetAll() { e.cache.reset() }

// Epoch returns the number of times when everything went stale at once, for what is learned in
// another way than by a question.
func (e *Ensemble) Epoch() uint32 { return e.cache.currentEpoch() }

// Covers reports whether everything is watched: an event comes for what is created too.
func (e *Ensemble) Covers() bool { return e.watch.covers() }

// Away returns for how long there has been no connection, 0 if there is one.
func (e *Ensemble) Away() time.Duration { return e.watch.away() }

// Trust returns the epoch, and how long what no watch stands for is trusted: a list of children
// that follows from changes of the caller, and an ACL.
func (e *Ensemble) Trust() (epoch uint32, d time.Duration) { return e.cache.trust() }

// ACLChanges returns how often the caller has changed an ACL.
func (e *Ensemble) ACLChanges() uint64 { return e.aclChanges.Load() }
