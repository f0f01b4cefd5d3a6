// Package transfer compares trees of ZooKeeper, and makes one equal to another.
//
// What is to be done follows from the two trees alone. So a transfer that was broken off, by a lost
// reply or a signal, is done again from the start, and does only what is left.
package transfer

import (
	"context"
	"errors"
	"fmt"

	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// maxPasses is how often a transfer is begun when the connection is lost.
const maxPasses = 20

// maxNamed is how many znodes an error names.
const maxNamed = 10

// A Transfer makes a tree equal to a source.
type Transfer struct {
	Conn     *zk.Conn
	Root     string                 // of the tree, which need not exist
	Source   func() (Stream, error) // may be called more than once
	Mode     Mode
	Versions bool // raise the versions of data too
	DryRun   bool // nothing is changed
	// Grant is what a directory's ACL gets for as long as children come into it.
	Grant  []zk.ACL
	Folder string               // of what is read of the tree, see cut.Options
	Step   func(*Step)          // told of each step, if it is not nil
	Remark func(path, w string) // told of what can not be done, if it is not nil
}

// A ConflictError says which znodes the mode does not allow to change.
type ConflictError struct {
	Named []string // the first of them, and why
	Count int
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%d znodes stand in the way, as %s", e.Count, e.Named[0])
}

// A MaskedError says which znodes have an ACL that cannot be set: the server has not shown the
// password's hash to the session that read it.
type MaskedError struct {
	Named []string
	Count int
}

func (e *MaskedError) Error() string {
	return fmt.Sprintf("the hash of a password is hidden in the ACLs of %d znodes, as of %s", e.Count, e.Named[0])
}

// A Result says what a transfer has done.
type Result struct {
	Steps  [len(stepNames)]int
	Passes int
	Znodes int   // of the source
	Zxid   int64 // of the state that was compared with the source at the end
}

// Run makes the tree equal to the source, and compares the two at the end.
func (t *Transfer) Run(ctx context.Context) (*Result, error) {
	if t.Step == nil {
		t.Step = func(*Step) {}
	}
	if t.Remark == nil {
		t.Remark = func(string, string) {}
	}
	result := &Result{}
	if err := t.check(ctx, result); err != nil {
		return nil, err
	}
	if parent, _ := znode.Split(t.Root); t.Root != "/" && !t.DryRun {
		if err := znode.Ensure(ctx, t.Conn, parent, false, zk.WorldACL(zk.PermAll)); err != nil {
			return nil, err
		}
	}
	for {
		result.Passes++
		err := t.pass(ctx, result)
		if err == nil {
			break
		}
		if !znode.Passing(err) || result.Passes == maxPasses || ctx.Err() != nil {
			return result, err
		}
	}
	if t.DryRun {
		return result, nil
	}
	return result, t.verify(ctx, result)
}

// check finds what makes a transfer impossible, before anything is written.
func (t *Transfer) check(ctx context.Context, result *Result) error {
	source, err := t.Source()
	if err != nil {
		return err
	}
	var masked MaskedError
	for r, err := range source {
		if err != nil {
			return err
		}
		result.Znodes++
		if entry, ok := xattr.Masked(r.ACL); ok {
			if masked.Count++; len(masked.Named) < maxNamed {
				masked.Named = append(masked.Named, r.Path+" ("+xattr.FormatACL([]zk.ACL{entry})+")")
			}
		}
	}
	if masked.Count > 0 {
		return &masked
	}
	var conflicts ConflictError
	conflict := func(path, why string) {
		if conflicts.Count++; len(conflicts.Named) < maxNamed {
			conflicts.Named = append(conflicts.Named, path+": "+why)
		}
	}
	err = t.with(ctx, func(target Stream) error {
		return t.plan(target, func(*Step) error { return nil }, conflict, func(string, string) {})
	})
	if err == nil && conflicts.Count > 0 {
		return &conflicts
	}
	return err
}

// with calls f with the tree as it is.
func (t *Transfer) with(ctx context.Context, f func(target Stream) error) error {
	target, err := cut.Take(ctx, t.Conn, t.Root, cut.Options{Exclude: cut.System, Folder: t.Folder, Loose: true})
	if errors.Is(err, zk.ErrNoNode) {
		return f(func(func(*cut.Record, error) bool) {})
	}
	if err != nil {
		return err
	}
	defer target.Close()
	return f(target.Records())
}

func (t *Transfer) plan(target Stream, do func(*Step) error, conflict, remark func(path, why string)) error {
	source, err := t.Source()
	if err != nil {
		return err
	}
	p := &planner{mode: t.Mode, versions: t.Versions, grant: t.Grant, do: do, conflict: conflict, remark: remark}
	return p.plan(Lasting(source), target)
}

// pass does what is left to do.
func (t *Transfer) pass(ctx context.Context, result *Result) error {
	return t.with(ctx, func(target Stream) error {
		w := &writer{c: t.Conn.WithContext(ctx), root: t.Root, done: func(s *Step) {
			result.Steps[s.Kind]++
			t.Step(s)
		}}
		do := w.do
		if t.DryRun {
			do = func(s *Step) error {
				w.done(s)
				return nil
			}
		}
		// What was no conflict before is none now, but for what other clients do meanwhile.
		var conflicts ConflictError
		conflict := func(path, why string) {
			conflicts.Count++
			conflicts.Named = append(conflicts.Named, path+": "+why)
		}
		guarded := func(s *Step) error {
			if conflicts.Count > 0 {
				return &conflicts
			}
			return do(s)
		}
		if err := t.plan(target, guarded, conflict, t.Remark); err != nil {
			return err
		}
		return w.flush()
	})
}

// A DifferentError says which znodes are not as in the source although everything was done.
type DifferentError struct {
	Named []string
	Count int
}

func (e *DifferentError) Error() string {
	return fmt.Sprintf("%d znodes are not as in the source, as %s: another client has changed them, or the server",
		e.Count, e.Named[0])
}

// verify compares the tree with the source.
func (t *Transfer) verify(ctx context.Context, result *Result) error {
	target, err := cut.Take(ctx, t.Conn, t.Root, cut.Options{Exclude: cut.System, Folder: t.Folder, Loose: true})
	if err != nil {
		return err
	}
	defer target.Close()
	result.Zxid = target.Zxid
	source, err := t.Source()
	if err != nil {
		return err
	}
	var different DifferentError
	for pair, err := range Pairs(Lasting(source), target.Records()) {
		if err != nil {
			return err
		}
		if t.right(pair) {
			continue
		}
		if different.Count++; len(different.Named) < maxNamed {
			different.Named = append(different.Named, pair.Path)
		}
	}
	if different.Count > 0 {
		return &different
	}
	return nil
}

// right reports whether a znode is as it is to be after the transfer.
func (t *Transfer) right(p *Pair) bool {
	switch {
	case p.A == nil:
		return t.Mode == Merge || p.B.Stat.EphemeralOwner != 0
	case p.B == nil:
		return false
	}
	d := p.Differs() &^ Counter
	if p.B.Sequence != cut.Unknown && p.A.Sequence > p.B.Sequence {
		d |= Counter
	}
	if !t.Versions || p.A.Stat.Version <= p.B.Stat.Version {
		d &^= Version
	}
	return d == 0
}
