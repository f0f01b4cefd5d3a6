package fs

import "sync"

// lookers are the threads that were sent back to look at a name again: open(2) found a file that
// was removed meanwhile. The kernel does that once for ESTALE, by a LOOKUP and another OPEN of the
// same thread (kernel fact 13). A thread that meets a removal again is told that the name is
// missing, which is true of the moment between the two.
type lookers struct {
	mu   sync.Mutex // guards the following
	sent map[uint32]bool
}

// stale notes that an OPEN of the thread found a removed file, and reports whether it is the
// second one of its system call.
func (l *lookers) stale(thread uint32) (second bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sent[thread] {
		delete(l.sent, thread)
		return true
	}
	if l.sent == nil {
		l.sent = map[uint32]bool{}
	}
	l.sent[thread] = thread != 0 // of one in another PID namespace nothing is known
	return false
}

// done notes that the system call has another answer.
func (l *lookers) done(thread uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.sent) > 0 {
		delete(l.sent, thread)
	}
}
