package zk

import (
	"slices"
	"testing"
)

func TestSequence(t *testing.T) {
	for _, test := range []struct {
		name string
		want int32
		ok   bool
	}{
		{"lock-0000000000", 0, true},
		{"_c_0123456789abcdef0123456789abcdef-lock-0000000042", 42, true},
		{"x-72057594037927936-0000000007", 7, true},
		{"lock-2147483647", 2147483647, true},
		{"lock--2147483648", -2147483648, true},
		{"lock--000000001", -1, true},
		{"lock-000000001", 0, false},
		{"lock-4294967296", 0, false},
		{"0000000003", 3, true},
		{"notes.txt", 0, false},
		{"_c_x", 0, false},
		{"", 0, false},
	} {
		got, ok := sequence(test.name)
		if got != test.want || ok != test.ok {
			t.Errorf("%q: %d, %v, want %d, %v", test.name, got, ok, test.want, test.ok)
		}
	}
}

func TestContendersAreInOrderAcrossTheWrap(t *testing.T) {
	got := LockQueue([]string{
		"b-lock--2147483647", "stray", "a-read-lock--2147483648", "c-lock-2147483646", "_c_x", "d-lock-2147483647",
	})
	want := []Contender{
		{Name: "c-lock-2147483646", sequence: 2147483646},
		{Name: "d-lock-2147483647", sequence: 2147483647},
		{Name: "a-read-lock--2147483648", sequence: 1 << 31, Shared: true},
		{Name: "b-lock--2147483647", sequence: 1<<31 + 1},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// order returns the names of the contenders among children.
func order(children []string) (names []string) {
	for _, c := range LockQueue(children) {
		names = append(names, c.Name)
	}
	return names
}

func TestPredecessor(t *testing.T) {
	queue := []string{"a-read-lock-0000000001", "b-read-lock-0000000002", "c-lock-0000000003", "d-read-lock-0000000004"}
	for _, test := range []struct {
		name   string
		shared bool
		before string
		ok     bool
	}{
		{queue[0], true, "", true},
		{queue[1], true, "", true},
		{queue[2], false, queue[1], true},
		{queue[3], true, queue[2], true},
		{"e-lock-0000000005", false, "", false},
	} {
		before, ok := predecessor(LockQueue(queue), test.name, test.shared)
		if before != test.before || ok != test.ok {
			t.Errorf("%s: %q, %v, want %q, %v", test.name, before, ok, test.before, test.ok)
		}
	}
}
