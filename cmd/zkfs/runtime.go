package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// idleHeap is how much the heap holds from the start, for as long as limitMemory's result lives. It
// is never touched, so it takes no memory; but garbage is collected when the heap has doubled
// (GOGC), which a first walk through a small tree would else do six times, at a quarter of its
// processor time.
const idleHeap = 16 << 20

// limitMemory lets the process take half as much again as the cache, and some for the rest, before
// garbage is collected more often than it is by default. GOMEMLIMIT in the environment says
// otherwise.
func limitMemory(cacheSize int) (idle []byte) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(cacheSize) + int64(cacheSize)/2 + 128<<20 + idleHeap)
	}
	return make([]byte, idleHeap)
}

// addProcessors lets Go's scheduler run as many threads more as wait for the kernel's next request.
// One that waits in read(2) keeps its place among the running ones until the scheduler's monitor
// takes it, which may look only every 10 ms (runtime/proc.go, sysmon), and meanwhile the answers
// and events of the servers would wait too. go-fuse has made its readers, one for each place, by
// now. GOMAXPROCS in the environment says otherwise.
func addProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		n := runtime.GOMAXPROCS(0)
		runtime.GOMAXPROCS(n + min(max(n, 2), 16) + 1)
	}
}
