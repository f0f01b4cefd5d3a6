package checkout

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

// maxRounds is how often a push is planned anew because other clients or a lost connection came
// between.
const maxRounds = 50

// A Push makes a tree equal to a directory.
type Push struct {
	Dir     *os.Root
	Conn    *zk.Conn
	Root    string                                        // of the tree
	Delete  bool                                          // znodes that are not in the directory
	InParts bool                                          // more than one transaction is allowed
	Limit   int64                                         // the most bytes of a request
	ACL     func(path string, z *Znode) ([]zk.ACL, error) // for what is made in a znode

	state *State           // of the directory, nil if it was not pulled
	known map[string]Known // the versions that it is based on
	local map[string]*Local

	sent []*Change // the connection was lost, and it is not known whether they were made
	done Result
}

// A Result says what a push has done.
type Result struct {
	Changes   []Change
	Parts     int      // transactions that were made
	Of        int      // as many were to be made
	Unchecked int      // znodes that stayed as they were, and were not checked by the transaction
	Others    []string // znodes that other clients made meanwhile: no transaction can check that
}

// An UncertainError says that a connection was lost during a transaction, and other clients have
// changed what it was to change.
type UncertainError struct{ Conflicts []Conflict }

func (e *UncertainError) Error() string {
	return "the connection was lost during the transaction, and it is not known whether it was made: " +
		e.Conflicts[0].String()
}

// ErrBusy says that other clients have changed the tree again and again.
var ErrBusy = errors.New("other clients change the tree faster than it can be compared with the directory")

// Plan returns what Run would do, with the old data.
func (p *Push) Plan(ctx context.Context) (*Result, error) {
	state, err := p.look(ctx)
	if err != nil {
		return nil, err
	}
	defer state.Close()
	plan, r, err := p.plan(state)
	if err != nil {
		return nil, err
	}
	at := map[string]*Change{}
	for i := range plan.changes {
		at[plan.changes[i].Path] = &plan.changes[i]
	}
	for record, err := range state.Records() {
		if err != nil {
			return nil, err
		}
		if c := at[record.Path]; c != nil {
			c.Old = slices.Clone(record.Data)
		}
	}
	parts, _, err := r.parts(plan, p.InParts)
	return &Result{Changes: plan.changes, Of: len(parts)}, err
}

// Run makes the tree equal to the directory, or changes nothing. If the error is none of those of
// this package, nothing was changed but for the parts that the Result counts.
func (p *Push) Run(ctx context.Context) (*Result, error) {
	for range maxRounds {
		again, err := p.round(ctx)
		if !again || err != nil {
			return &p.done, err
		}
	}
	return &p.done, ErrBusy
}

// look reads the directory and the tree.
func (p *Push) look(ctx context.Context) (*cut.Cut, error) {
	var err error
	if p.local == nil {
		if p.state, err = LoadState(p.Dir); err != nil {
			return nil, err
		}
		if p.local, err = ReadDir(p.Dir, Pulled); err != nil {
			return nil, err
		}
	}
	return cut.Take(ctx, p.Conn, p.Root, cut.Options{Exclude: cut.System})
}

// plan compares the directory with a cut.
func (p *Push) plan(state *cut.Cut) (*plan, *request, error) {
	tree := &Tree{Layout: Pulled}
	if err := tree.ReadTree(state.Records()); err != nil {
		return nil, nil, err
	}
	switch {
	case p.known != nil:
	case p.state == nil: // the directory is based on what is there now
		p.known = map[string]Known{}
		for path, z := range tree.Znodes {
			p.known[path] = knownOf(z)
		}
	default:
		if err := p.state.matches(p.Root, tree); err != nil {
			return nil, nil, err
		}
		p.known = p.state.Known
	}
	planner := &planner{root: p.Dir, local: p.local, tree: tree, known: p.known, denied: state.Denied(),
		delete: p.Delete, limit: p.Limit}
	if err := planner.run(); err != nil {
		return nil, nil, err
	}
	if len(planner.conflicts) > 0 {
		return nil, nil, p.refused(planner)
	}
	return &planner.plan, &request{root: p.Root, tree: tree, limit: p.Limit, acl: p.ACL,
		grants: map[string][]zk.ACL{}}, nil
}

// refused returns the error of conflicts. A transaction the reply to which was lost is known to
// have changed nothing if one znode that it was to set or delete is as it was.
func (p *Push) refused(now *planner) error {
	if p.sent == nil {
		return &ConflictError{now.conflicts}
	}
	for _, c := range p.sent {
		if z := now.tree.Znodes[c.Path]; c.Kind != Create && z != nil && p.known[c.Path].of(z) {
			return &ConflictError{now.conflicts}
		}
	}
	return &UncertainError{now.conflicts}
}

// round plans, and does what is left. again says that another round is needed.
func (p *Push) round(ctx context.Context) (again bool, err error) {
	state, err := p.look(ctx)
	if err != nil {
		return false, err
	}
	defer state.Close()
	plan, r, err := p.plan(state)
	if err != nil {
		return false, err
	}
	if len(plan.changes) == 0 {
		if p.sent != nil { // it was made
			p.made(p.sent)
		}
		return false, p.save(r.tree)
	}
	p.sent = nil
	parts, unchecked, err := r.parts(plan, p.InParts)
	if err != nil {
		return false, err
	}
	p.done.Of, p.done.Unchecked = p.done.Parts+len(parts), unchecked
	for _, part := range parts {
		responses, err := p.Conn.WithContext(ctx).Multi(part.ops...)
		switch {
		case err == nil:
			p.made(part.changes)
		case znode.Passing(err) && ctx.Err() == nil:
			p.sent = part.changes
			return true, nil
		case outrun(err):
			return true, nil
		default:
			return false, znode.Fault(part.ops, responses, err)
		}
	}
	return p.settle(ctx, state, r.tree)
}

// made counts a transaction.
func (p *Push) made(changes []*Change) {
	for _, c := range changes {
		p.done.Changes = append(p.done.Changes, *c)
	}
	p.done.Parts++
}

// outrun reports whether a transaction was refused for what another client has done meanwhile.
func outrun(err error) bool {
	for _, e := range []error{zk.ErrBadVersion, zk.ErrNoNode, zk.ErrNodeExists, zk.ErrNotEmpty} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// settle finds what else has changed until the last transaction: all events of that time have come
// before its reply. Where events are missing, another round compares.
func (p *Push) settle(ctx context.Context, state *cut.Cut, tree *Tree) (again bool, err error) {
	before := map[string]bool{}
	for path := range tree.Znodes {
		before[path] = true
	}
	changes, err := state.Next(ctx)
	if errors.Is(err, cut.ErrLost) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	tree.Change(changes)
	for _, path := range tree.Paths() {
		if tree.At(path) != nil && !before[path] && p.local[path] == nil {
			p.done.Others = append(p.done.Others, path)
		}
	}
	return false, p.save(tree)
}

// save lets the directory remember the versions that were pushed.
func (p *Push) save(tree *Tree) error {
	if p.state == nil {
		return nil
	}
	known := map[string]Known{}
	for path, k := range p.state.Known {
		if p.local[path] == nil && tree.At(path) != nil {
			known[path] = k // is deleted in the directory alone
		}
	}
	for path, l := range p.local {
		switch z := tree.At(path); {
		case z == nil:
		case z.Sum == l.Sum:
			known[path] = knownOf(z)
		case l.Dir && !l.Data:
			if k, was := p.state.Known[path]; was {
				known[path] = k
			}
		default:
			known[path] = Known{Version: unknown, Sum: l.Sum}
		}
	}
	p.state.Known = known
	return p.state.Save(p.Dir)
}
