package zk

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// The order of contenders is that of their numbers, whatever the order of the listing and wherever
// the counter wraps.
func TestContendersWhateverTheListing(t *testing.T) {
	name := func(n int32) string { return fmt.Sprintf("lock-%010d", n) }
	third := func(n uint32) string { return name(int32(n * (1 << 32 / 3))) }
	for _, want := range [][]string{
		{name(1), name(2), name(3)},
		{name(-3), name(-1), name(0), name(2)},
		{name(2147483646), name(-2147483648), name(-2147483647)},
		{third(0), third(1), third(2)}, // the differences alone say that each comes before the next
		{name(1600000000), name(-1500000000), name(0)},
	} {
		for range 20 {
			children := slices.Clone(want)
			rand.Shuffle(len(children), func(i, j int) { children[i], children[j] = children[j], children[i] })
			if got := order(children); !slices.Equal(got, want) {
				t.Errorf("of %q: %q, want %q", children, got, want)
			}
		}
	}
}

// FuzzContenders holds the order against its rules: all contenders once, the same for each order of
// the listing, and by the distance from the first one.
func FuzzContenders(f *testing.F) {
	f.Add(uint64(1), int32(0), int32(1), int32(2), int32(3), "")
	f.Add(uint64(2), int32(-2147483648), int32(2147483647), int32(-1), int32(0), "_c_x-read-lock-0000000007")
	f.Add(uint64(3), int32(1500000000), int32(-1500000000), int32(0), int32(0), "x--000000001")
	f.Fuzz(func(t *testing.T, seed uint64, a, b, c, d int32, other string) {
		children := []string{other}
		for i, n := range []int32{a, b, c, d} {
			children = append(children, fmt.Sprintf("%d-lock-%010d", i, n))
		}
		queue := order(children)
		if again := order(queue); !slices.Equal(again, queue) {
			t.Errorf("%q in order is %q", queue, again)
		}
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(children), func(i, j int) { children[i], children[j] = children[j], children[i] })
		if got := order(children); !slices.Equal(got, queue) {
			t.Errorf("of %q: %q, want %q", children, got, queue)
		}
		contenders := 0
		for _, name := range children {
			if _, ok := sequence(name); ok {
				contenders++
			}
		}
		if len(queue) != contenders {
			t.Errorf("%q, of %d", queue, contenders)
		}
		var last uint32
		for _, name := range queue {
			n, _ := sequence(name)
			first, _ := sequence(queue[0])
			if distance := uint32(n) - uint32(first); distance < last {
				t.Errorf("%q", queue)
			} else {
				last = distance
			}
		}
	})
}
