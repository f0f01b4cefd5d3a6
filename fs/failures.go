package fs

import (
	"sync"
	"time"
)

// failures remembers the commits that failed for good, whether a system call told that or none was
// left that could.
type failures struct {
	mu    sync.Mutex // guards the following
	total int
	last  []failure // the newest at the end
}

type failure struct {
	when time.Time
	path string
	err  error
}

// keptFailures is how many are listed in /.status.
const keptFailures = 16

// lost notes that what was written to path is not in ZooKeeper, and never will be.
func (f *FS) lost(path string, err error) {
	f.log.Warn("written data is lost", "path", path, "err", err)
	f.failures.mu.Lock()
	defer f.failures.mu.Unlock()
	f.failures.total++
	f.failures.last = append(f.failures.last, failure{time.Now(), path, err})
	if n := len(f.failures.last) - keptFailures; n > 0 {
		f.failures.last = f.failures.last[n:]
	}
}

func (l *failures) list() (total int, last []failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total, append(last, l.last...)
}
