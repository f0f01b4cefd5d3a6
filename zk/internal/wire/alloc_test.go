package wire

import (
	"runtime"
)

// allocated returns how many bytes f allocates. What the runtime allocates meanwhile counts too, so the least of
// a few runs is taken.
func allocated(f func()) uint64 {
	least := ^uint64(0)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}
