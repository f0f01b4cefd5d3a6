package zk

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// sharedMarks are what the names of shared contenders contain: ours, Curator's and kazoo's.
var sharedMarks = []string{"-read-lock-", "__READ__", "__rlock__"}

// Contender is a child of a lock's znode that holds the lock, or waits for it.
type Contender struct {
	Name   string // of the child
	Shared bool   // it holds the lock together with other shared ones; see [NewReadLock]

	sequence uint32
}

// LockQueue returns the contenders among children, the names of all children of a lock's znode.
// They stand in the order in which they get the lock: the first holds it, and so do the shared ones
// behind a shared first, up to the first exclusive one. A child contends if its name ends in a
// sequence number, whatever client made it. The order does not depend on that of children.
func LockQueue(children []string) []Contender {
	var list []Contender
	for _, name := range children {
		if n, ok := sequence(name); ok {
			list = append(list, Contender{name, isShared(name), uint32(n)})
		}
	}
	slices.SortFunc(list, func(a, b Contender) int {
		return cmp.Or(cmp.Compare(a.sequence, b.sequence), strings.Compare(a.Name, b.Name))
	})
	first := eldest(list)
	return slices.Concat(list[first:], list[:first])
}

// eldest returns where the order of contenders that are sorted by their numbers begins. The numbers
// come from a counter that wraps, so they lie on a circle, and the first one is that behind the
// largest gap.
func eldest(sorted []Contender) (first int) {
	var largest uint32
	for i, c := range sorted {
		before := sorted[(i+len(sorted)-1)%len(sorted)]
		if gap := c.sequence - before.sequence; gap > largest {
			first, largest = i, gap
		}
	}
	return first
}

// isShared reports whether the contender of that name is a shared one.
func isShared(name string) bool {
	return slices.ContainsFunc(sharedMarks, func(mark string) bool { return strings.Contains(name, mark) })
}

// sequence returns the number at the end of a sequential znode's name, which the server prints with %010d: from 2^31 creates on
// it is negative, and may have nine digits behind its sign. All recipes let a dash or more than that stand before it; a single
// dash and nine digits are not taken for a number.
func sequence(name string) (int32, bool) {
	digits := len(name) - len(strings.TrimRight(name, "0123456789"))
	if digits < 9 {
		return 0, false
	}
	text := name[len(name)-min(digits, 10):]
	before := name[:len(name)-len(text)]
	n, err := strconv.ParseInt(text, 10, 64)
	negative := strings.HasSuffix(before, "--") && (len(text) == 9 || n >= 1e9)
	switch {
	case err != nil || len(text) == 9 && !negative:
		return 0, false
	case negative:
		n = -n
	}
	if n != int64(int32(n)) {
		return 0, false
	}
	return int32(n), true
}

// predecessor returns the contender that must go before name may hold the lock, "" if there is
// none. ok is false if name is not there.
func predecessor(queue []Contender, name string, shared bool) (before string, ok bool) {
	i := slices.IndexFunc(queue, func(c Contender) bool { return c.Name == name })
	for at := i - 1; at >= 0; at-- {
		if !shared || !queue[at].Shared {
			return queue[at].Name, true
		}
	}
	return "", i >= 0
}
