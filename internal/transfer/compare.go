package transfer

import (
	"bytes"
	"iter"
	"slices"
	"strings"

	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
)

// A Stream is the znodes of a tree in the order of cut.Compare. A record is valid until the next
// one.
type Stream = iter.Seq2[*cut.Record, error]

// An Aspect is something in which two znodes of one path can differ.
type Aspect uint8

const (
	Data Aspect = 1 << iota
	ACL
	Type    // one is an ephemeral
	Counter // the number of the next sequential child, where both are known
	Version // of the data
)

// A Pair is what two trees have at one path. A or B is nil where a tree has nothing.
type Pair struct {
	Path string
	A, B *cut.Record
}

// Differs returns in what the two znodes of a pair differ.
func (p *Pair) Differs() Aspect {
	var d Aspect
	if !bytes.Equal(p.A.Data, p.B.Data) { // a ClickHouse Keeper has no data that is null
		d |= Data
	}
	if !sameACL(p.A.ACL, p.B.ACL) {
		d |= ACL
	}
	if (p.A.Stat.EphemeralOwner != 0) != (p.B.Stat.EphemeralOwner != 0) {
		d |= Type
	}
	a, b := p.A.Sequence, p.B.Sequence
	if a != b && a != cut.Unknown && b != cut.Unknown {
		d |= Counter
	}
	if p.A.Stat.Version != p.B.Stat.Version {
		d |= Version
	}
	return d
}

// sameACL reports whether two ACLs grant the same: the order of entries means nothing. What is not
// known equals anything: an ACL that the session may not read, a hash that the server has hidden.
func sameACL(a, b []zk.ACL) bool {
	if a == nil || b == nil || slices.Equal(a, b) {
		return true
	}
	in := func(list []zk.ACL) func(zk.ACL) bool {
		return func(e zk.ACL) bool {
			return !slices.ContainsFunc(list, func(other zk.ACL) bool { return sameEntry(e, other) })
		}
	}
	return !slices.ContainsFunc(a, in(b)) && !slices.ContainsFunc(b, in(a))
}

func sameEntry(a, b zk.ACL) bool {
	if a == b {
		return true
	}
	_, hidden := xattr.Masked([]zk.ACL{a})
	if _, other := xattr.Masked([]zk.ACL{b}); !hidden && !other {
		return false
	}
	userA, _, _ := strings.Cut(a.ID, ":")
	userB, _, _ := strings.Cut(b.ID, ":")
	return a.Scheme == b.Scheme && a.Perms == b.Perms && userA == userB
}

// Pairs goes through two trees at a time.
func Pairs(a, b Stream) iter.Seq2[*Pair, error] {
	return func(yield func(*Pair, error) bool) {
		nextA, stopA := iter.Pull2(a)
		defer stopA()
		nextB, stopB := iter.Pull2(b)
		defer stopB()
		x, errA, okA := nextA()
		y, errB, okB := nextB()
		for okA || okB {
			if errA != nil || errB != nil {
				if errA == nil {
					errA = errB
				}
				yield(nil, errA)
				return
			}
			order := 0
			switch {
			case !okB:
				order = -1
			case !okA:
				order = 1
			default:
				order = cut.Compare(x.Path, y.Path)
			}
			var p Pair
			if order <= 0 {
				p.Path, p.A = x.Path, x
			}
			if order >= 0 {
				p.Path, p.B = y.Path, y
			}
			if !yield(&p, nil) {
				return
			}
			if order <= 0 {
				x, errA, okA = nextA()
			}
			if order >= 0 {
				y, errB, okB = nextB()
			}
		}
	}
}

// Lasting leaves out the ephemerals of a tree.
func Lasting(s Stream) Stream {
	return func(yield func(*cut.Record, error) bool) {
		for r, err := range s {
			if err == nil && r.Stat.EphemeralOwner != 0 {
				continue
			}
			if !yield(r, err) {
				return
			}
		}
	}
}
