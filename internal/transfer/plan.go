package transfer

import (
	"fmt"
	"slices"

	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// A Mode says what a transfer may do to znodes that are there already.
type Mode int

const (
	// Fresh touches no znode that is there, and refuses a tree that has what the source lacks.
	// What an earlier transfer of the same source has made is left as it is.
	Fresh   Mode = iota
	Merge        // what differs becomes as it is in the source, what the source lacks stays
	Replace      // what the source lacks is deleted too
)

// A Step is one change of the target.
type Step struct {
	Kind   StepKind
	Path   string // from the root of the tree
	Record *cut.Record
	Detail string

	acl   []zk.ACL // of a create or a setACL
	times int      // of a raise
}

// A StepKind is what a step does.
type StepKind int

const (
	Create StepKind = iota
	Set
	SetACL
	Raise   // the number of the next sequential child
	Rewrite // the same data again, for the version
	Delete
)

// Names of steps, for people.
var stepNames = [...]string{Create: "create", Set: "set", SetACL: "acl", Raise: "counter", Rewrite: "version",
	Delete: "delete"}

func (k StepKind) String() string { return stepNames[k] }

// A planner turns pairs into steps. What a directory gets behind its children waits on a stack.
type planner struct {
	mode     Mode
	versions bool
	grant    []zk.ACL // for as long as children come into a directory with an ACL that forbids it
	do       func(*Step) error
	conflict func(path, why string) // a znode that the mode does not allow to change
	remark   func(path, why string) // something that can not be done

	open []frame
}

// A frame is a znode below which the planner is.
type frame struct {
	path    string
	want    *cut.Record // without data; nil if it is to be deleted, or stays
	have    int32       // its Sequence in the target
	created int32       // how many children it gets
	acl     bool        // its ACL is to be set behind the children
	remove  bool
}

// plan goes through the pairs of a source and a target.
func (p *planner) plan(source, target Stream) error {
	for pair, err := range Pairs(source, target) {
		if err != nil {
			return err
		}
		if err := p.leave(pair.Path); err != nil {
			return err
		}
		switch {
		case pair.A == nil:
			err = p.extra(pair.B)
		case pair.B == nil:
			err = p.create(pair.A)
		default:
			err = p.change(pair.A, pair.B)
		}
		if err != nil {
			return err
		}
	}
	return p.leave("")
}

// leave finishes the znodes that path is not below.
func (p *planner) leave(path string) error {
	for n := len(p.open) - 1; n >= 0 && (path == "" || !cut.Below(p.open[n].path, path)); n-- {
		f := p.open[n]
		p.open = p.open[:n]
		if err := p.finish(&f); err != nil {
			return err
		}
	}
	return nil
}

func (p *planner) finish(f *frame) error {
	if f.remove {
		return p.do(&Step{Kind: Delete, Path: f.path})
	}
	if f.want == nil {
		return nil
	}
	switch now := f.have + f.created; {
	case f.want.Sequence == cut.Unknown || f.have == cut.Unknown:
		if f.want.Stat.Cversion != 0 {
			p.remark(f.path, "the number of its next sequential child is not known, and is left")
		}
	case f.want.Sequence > now:
		step := &Step{Kind: Raise, Path: f.path, times: int(f.want.Sequence - now),
			Detail: fmt.Sprintf("%d to %d", now, f.want.Sequence)}
		if err := p.do(step); err != nil {
			return err
		}
	}
	if !f.acl {
		return nil
	}
	return p.do(&Step{Kind: SetACL, Path: f.path, Record: f.want, acl: f.want.ACL,
		Detail: xattr.FormatACL(f.want.ACL)})
}

// enter lets the children of a znode come.
func (p *planner) enter(f frame) {
	if f.want != nil {
		want := *f.want
		want.Data = nil
		f.want = &want
	}
	p.open = append(p.open, f)
}

// extra is a znode that the source lacks.
func (p *planner) extra(b *cut.Record) error {
	switch {
	case p.mode == Fresh:
		p.conflict(b.Path, "is there, and not in the source")
	case p.mode == Replace && b.Path != "/" && b.Stat.EphemeralOwner == 0:
		p.enter(frame{path: b.Path, remove: true})
	case p.mode == Replace && b.Stat.EphemeralOwner != 0:
		p.remark(b.Path, "is an ephemeral of a session, and stays")
	}
	return nil
}

func (p *planner) create(a *cut.Record) error {
	f := frame{path: a.Path, want: a}
	step := &Step{Kind: Create, Path: a.Path, Record: a, acl: a.ACL}
	if a.ACL == nil {
		step.acl = zk.WorldACL(zk.PermAll)
	} else if p.closed(a) {
		step.acl, f.acl = append(slices.Clone(a.ACL), p.grant...), true
	}
	if n := len(p.open); n > 0 {
		if parent, _ := znode.Split(a.Path); p.open[n-1].path == parent {
			p.open[n-1].created++
		}
	}
	if err := p.do(step); err != nil {
		return err
	}
	p.enter(f)
	return p.rewrite(a, 0)
}

// closed reports whether the ACL of a znode may forbid what is to be done below it.
func (p *planner) closed(a *cut.Record) bool {
	if a.Stat.NumChildren == 0 && a.Sequence <= 0 {
		return false
	}
	return !slices.ContainsFunc(a.ACL, func(e zk.ACL) bool {
		const both = zk.PermCreate | zk.PermDelete
		return e.Scheme == "world" && e.Perms&both == both
	})
}

// rewrite lets the version of data become that of the source. have is that of the target.
func (p *planner) rewrite(a *cut.Record, have int32) error {
	if !p.versions || a.Stat.Version <= have {
		return nil
	}
	return p.do(&Step{Kind: Rewrite, Path: a.Path, Record: a, times: int(a.Stat.Version - have),
		Detail: fmt.Sprintf("%d to %d", have, a.Stat.Version)})
}

// change is a znode that both have.
func (p *planner) change(a, b *cut.Record) error {
	differs := (&Pair{A: a, B: b}).Differs()
	untouched := a.Path == "/" && len(b.Data) == 0
	f := frame{path: a.Path, want: a, have: b.Sequence}
	version := b.Stat.Version
	if differs&Type != 0 {
		p.conflict(a.Path, "is an ephemeral of a session")
		return nil
	}
	if differs&Data != 0 {
		if p.mode == Fresh && !untouched {
			p.conflict(a.Path, "is there with other data")
		}
		if err := p.do(&Step{Kind: Set, Path: a.Path, Record: a}); err != nil {
			return err
		}
		version++
	}
	if differs&ACL != 0 {
		if f.acl = true; p.mode == Fresh && !untouched && !p.granted(a.ACL, b.ACL) {
			p.conflict(a.Path, "is there with the ACL "+xattr.FormatACL(b.ACL))
		}
	}
	p.enter(f)
	return p.rewrite(a, version)
}

// granted reports whether have is want and what was granted on top of it while children came.
func (p *planner) granted(want, have []zk.ACL) bool {
	return len(have) > len(want) && slices.Equal(want, have[:len(want)]) &&
		!slices.ContainsFunc(have[len(want):], func(e zk.ACL) bool { return e.Perms != zk.PermAll })
}
