package fs

// FLUSH tells that a process has closed a descriptor, which ends its fcntl(2) locks on the file
// (kernel fact 16). It costs as much as OPEN, and a file that is only read needs it for nothing
// else: open, read and close of a file that the kernel knows take 1.8 times as long with it. The
// kernel decides by what it was told at open (kernel fact 17), when no process has asked for a
// lock. So such a file is opened without, until a process asks for an fcntl(2) lock on it; from
// then on each open of it has FLUSH. The first lock may have come through a descriptor without: it
// ends with the last copy of that descriptor, as any lock does, and with its process, for a child
// that has inherited a copy has not inherited the lock (kernel fact 37).

// opensQuietly reports whether close(2) of the descriptors of h need not be told. Locks on lock
// files are what these are for.
func (f *file) opensQuietly(h *handle) bool {
	if h.write || f.role == roleLock || f.role == roleDirLock {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.flushed
}

// asked notes that a program asks for a lock on the file.
func (f *file) asked(fcntl bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.locked = true
	f.flushed = f.flushed || fcntl
}

// wasAsked reports whether a program has asked for a lock on the file.
func (f *file) wasAsked() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.locked
}
