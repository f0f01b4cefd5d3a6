package fs

import (
	"log/slog"
	"sync"
	"time"
)

// failures remembers the commits that failed for good, whether a system call told that or none was
// left that could.
type failures struct {
	log *slog.Logger

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

// add notes that what was written to path is not in ZooKeeper, and never will be.
func (l *failures) add(path string, err error) {
	l.log.Warn("written data is lost", "path", path, "err", err)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	l.last = append(l.last, failure{time.Now(), path, err})
	if n := len(l.last) - keptFailures; n > 0 {
		l.last = l.last[n:]
	}
}

func (l *failures) list() (total int, last []failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total, append(last, l.last...)
}
