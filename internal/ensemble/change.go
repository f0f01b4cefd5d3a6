package ensemble

import (
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// Change is a change of the tree, as a value: [Ensemble.Do] makes it. Each kind says in one place
// which requests it consists of, which events are its own, what it makes stale, what its reply
// teaches and how its outcome is judged when the reply is lost. No other function of this package
// sends a request that changes something.
//
// A change announces itself to the watch, so that its own event is no news. It makes what was known
// stale, because without a watch no event does.
type Change interface {
	// about returns the path of the znode that tells what became of the change.
	about() string
	// attempt makes the change once. It returns the Stat of the znode if the reply has it.
	attempt(ctx context.Context, e *Ensemble) (*zk.Stat, error)
	// outcome judges an attempt whose reply was lost: nil says that it was made, errNotMade that it
	// was not, ErrUnresolved that this cannot be told. Any other error says why the change cannot
	// be made any more.
	outcome(ctx context.Context, e *Ensemble, after evidence) error
}

// evidence is what tells what became of an attempt: the znode that it is about, without a Stat if
// there is none, once everything that was sent has taken effect or never will.
type evidence struct {
	Snapshot
	before int64 // the last zxid that was known before the first attempt
}

// errNotMade is the outcome of an attempt that never took effect.
var errNotMade = errors.New("not made")

// Do makes a change exactly once: it is attempted until a server has answered. Do returns the Stat
// of the znode where the change tells it. ErrUnresolved says that the reply was lost and that
// nothing proves what became of the change. An error of which zk.MaybeApplied is true says that ctx
// ended before that was found out; see LearnOutcome.
//
// A change that failed may have been overtaken by another, whose event was then taken for its own:
// Options.Tell gets the news. A question changes nothing and is not told.
func (e *Ensemble) Do(ctx context.Context, c Change) (st *zk.Stat, err error) {
	before := e.conn.LastZxid()
	defer func() {
		if _, question := c.(quotaQuestion); err != nil && !question {
			news := Created | DataChanged
			if !errors.Is(err, zk.ErrBadVersion) { // which only another change is the cause of
				news |= Own
			}
			e.o.Tell(c.about(), news)
		}
	}()
	for {
		st, err := c.attempt(ctx, e)
		switch {
		case err == nil:
			return st, nil
		case zk.MaybeApplied(err) && ctx.Err() == nil:
			s, err := e.AfterSync(ctx, c.about())
			if err != nil {
				return nil, ErrUnresolved
			}
			if err := c.outcome(ctx, e, evidence{s, before}); !errors.Is(err, errNotMade) {
				return s.Stat, err
			}
		case !e.watch.again(ctx, err):
			return nil, err
		}
	}
}

// LearnOutcome finds out what became of a change whose time was over before it was answered:
// whether it was made, with the Stat of the znode, or ErrUnresolved if that cannot be told. What
// it lost against the next attempt finds.
func (e *Ensemble) LearnOutcome(ctx context.Context, c Change) (st *zk.Stat, made bool, err error) {
	s, err := e.AfterSync(ctx, c.about())
	if err != nil {
		return nil, false, err
	}
	switch err := c.outcome(ctx, e, evidence{Snapshot: s}); {
	case errors.Is(err, ErrUnresolved):
		return nil, false, err
	default:
		return s.Stat, err == nil, nil
	}
}

// looks is how often a change is prepared at most. The kernel holds the locks of directories
// meanwhile (kernel fact 9).
const looks = 50

// LookAgain makes a change that begins with a look at the znodes at paths, and prepares it anew,
// with a fresh look, as long as once returns ErrOvertaken.
func (e *Ensemble) LookAgain(ctx context.Context, once func() error, paths ...string) error {
	for range looks {
		if err := once(); !errors.Is(err, ErrOvertaken) {
			return err
		}
		for _, path := range paths {
			if _, err := e.AfterSync(ctx, path); err != nil && !errors.Is(err, zk.ErrNoAuth) {
				return err
			}
		}
	}
	return ErrOvertaken
}

// Overtaken returns ErrOvertaken in place of an error that says that the znodes are not any more as
// they were seen.
func Overtaken(err error) error {
	switch {
	case errors.Is(err, zk.ErrNoNode), errors.Is(err, zk.ErrNodeExists), errors.Is(err, zk.ErrBadVersion),
		errors.Is(err, zk.ErrNotEmpty):
		return ErrOvertaken
	}
	return err
}

// changing announces an attempt to change the znode at path. The function that it returns must be
// called when the reply is there.
func (e *Ensemble) changing(path string, kind watchKind) (done func()) {
	expected := e.watch.expect(path, kind)
	return func() {
		expected()
		e.AskAnew(path)
		if kind != dataWatch && path != "/" {
			dir, _ := Split(path)
			e.AskAnew(dir)
		}
	}
}
