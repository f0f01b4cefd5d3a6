package ensemble

import "testing"

// The number of znodes in one request grows, and shrinks when they are large.
func TestNextBatch(t *testing.T) {
	for _, test := range []struct{ n, size, want int }{
		{firstBatch, 0, 4 * firstBatch},
		{firstBatch, 100, 4 * firstBatch},
		{maxBatch, 0, maxBatch},
		{32, 32 << 20, 1},         // a megabyte each
		{32, 32 * (64 << 10), 16}, // 64 KiB each
		{1, 10 << 20, 1},
	} {
		if got := NextBatch(test.n, test.size); got != test.want {
			t.Errorf("after %d with %d bytes: %d, want %d", test.n, test.size, got, test.want)
		}
	}
}
