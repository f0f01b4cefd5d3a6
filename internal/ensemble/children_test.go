package ensemble

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// Names that are added one by one are as good as a list of all, and those before them stay as they
// were.
func TestNames(t *testing.T) {
	var want []string
	for i := range 1000 {
		want = append(want, fmt.Sprintf("n%d", i))
	}
	n := newChildren(nil, &zk.Stat{})
	var before []*Children
	var sets [][]string
	for i, at := range rand.Perm(len(want)) {
		if n.Has(want[at]) {
			t.Fatalf("%q is there before it is added", want[at])
		}
		before, sets = append(before, n), append(sets, slices.Clone(n.All()))
		if n = n.with(want[at], &zk.Stat{}); !n.Has(want[at]) || n.Len() != i+1 {
			t.Fatalf("%q is not there, or not alone: %d names after %d", want[at], n.Len(), i+1)
		}
	}
	slices.Sort(want)
	if !slices.Equal(n.All(), want) || n.size != newChildren(want, &zk.Stat{}).size {
		t.Errorf("%d names in all, %d bytes", len(n.All()), n.size)
	}
	for i, old := range before {
		if !slices.Equal(old.All(), sets[i]) {
			t.Fatalf("the first %d are not what they were", i)
		}
	}
}

// BenchmarkAddName adds names to a directory that has many.
func BenchmarkAddName(b *testing.B) {
	var list []string
	for i := range 10_000 {
		list = append(list, fmt.Sprintf("f%05d", i))
	}
	start := newChildren(list, &zk.Stat{})
	n := start
	for i := 0; b.Loop(); i++ {
		if i%10_000 == 0 {
			n = start
		}
		n = n.with(fmt.Sprintf("f%05d.new", i%10_000), &zk.Stat{})
	}
}
