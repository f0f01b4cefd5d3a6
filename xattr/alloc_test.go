package xattr

import (
	"runtime"
	"testing"
)

// maxAmplification is how many bytes a parser may allocate for each byte of its input.
const maxAmplification = 256

// frugal calls parse and fails if it allocates out of proportion to the input.
func frugal(t *testing.T, input string, parse func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	parse()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > uint64(maxAmplification*len(input)+256<<10) {
		t.Errorf("%d bytes allocated for %d", got, len(input))
	}
}
