package fs

import (
	"strings"
	"testing"
)

// On one mount without other clients, a file that one process removes and creates again and again
// is there or missing for the others, and what they have open they can use.
func TestNothingIsStaleOnOneMount(t *testing.T) {
	t.Parallel()
	for _, mode := range []WatchMode{WatchTree, WatchNode, WatchOff} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, Options{Watch: mode})
			w.want("ok", "mkdir", "d")
			calls := [][]string{
				{"put d/f x", "unlink d/f", "create d/f y", "unlink d/f", "put d/t z", "rename d/t d/f", "unlink d/f"},
				{"open 1 d/f r", "fstat 1", "pread 1 0 9", "fstat 1", "reopen 2 1 r", "pread 2 0 9", "fstat 2", "close 2", "close 1"},
				{"open 1 d/f rw", "fstat 1", "fstat 1", "pread 1 0 9", "fstat 1", "close 1"},
				{"stat d/f", "cat d/f", "stat d/f", "unlink d/f", "cat d/f"},
				{"mkdir d/s", "open 1 d/s r", "fstat 1", "rmdir d/s", "fstat 1", "close 1", "ls d"},
				{"stat d/s", "open 1 d/s r", "fstat 1", "fstat 1", "close 1", "rmdir d/s"},
			}
			agents := []*agent{w.agent}
			for len(agents) < len(calls) {
				agents = append(agents, newAgent(t, w.dir))
			}
			for range 5 {
				for i, a := range agents {
					for _, call := range calls[i] {
						a.start(strings.Fields(call)...)
					}
				}
				for i, a := range agents {
					for _, call := range calls[i] {
						got := a.answer()
						if got == "ESTALE" {
							t.Errorf("%s: %s", call, got)
						}
					}
				}
			}
			w.agrees()
		})
	}
}
