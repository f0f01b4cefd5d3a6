package fs

import "testing"

// A thread is sent back to look again once in a system call, whatever others do meanwhile.
func TestLookersLookAgainOnce(t *testing.T) {
	var l lookers
	for _, step := range []struct {
		thread uint32
		found  bool // a removed file; else the call has another answer
		second bool
	}{
		{1, true, false}, {2, true, false}, {1, true, true},
		{1, true, false}, {1, false, false}, {1, true, false},
		{2, false, false}, {2, true, false},
		{0, true, false}, {0, true, false},
	} {
		if !step.found {
			l.done(step.thread)
		} else if second := l.stale(step.thread); second != step.second {
			t.Errorf("%+v: %v", step, second)
		}
	}
}
