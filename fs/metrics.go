package fs

// Stats are the numbers of a mount since it began, for metrics. What the kernel answers from its
// own caches is not among them.
type Stats struct {
	// Operations are what the kernel asked, by its names: LOOKUP, READ ...
	Operations map[string]Operation

	// FromMemory and FromServers count the questions about znodes by what answered them. Listings
	// that are read ahead and changes are not among them.
	FromMemory, FromServers int64
	CachedZnodes            int
	CachedBytes             int

	Watch   WatchMode // in use, which may be another one than was asked for
	Watches int       // one-shot watches that stand
	Events  int64     // of watches

	// InotifyTold and InotifyFailed count the changes by other clients that programs were told of by
	// inotify, and those of which they could not be; InotifyWatched is how many inodes they watch, as
	// far as that is seen.
	InotifyTold, InotifyFailed int64
	InotifyWatched             int

	Locks         int // held by programs on this mount
	LocksLeaving  int // given back by programs, which the servers have not confirmed
	FailedCommits int // that failed for good: what was written is not in ZooKeeper
}

// Stats returns the numbers of this moment. It waits for nothing.
func (f *FS) Stats() Stats {
	n := f.ensemble.Numbers()
	s := Stats{
		Operations:   f.operations.list(),
		FromMemory:   n.FromMemory,
		FromServers:  n.FromServers,
		CachedZnodes: n.Znodes,
		CachedBytes:  n.Bytes,
		Watch:        n.Watch,
		Watches:      n.Watches,
		Events:       n.Events,
		Locks:        f.locks.count(),
	}
	s.LocksLeaving = len(f.locks.leavingLines())
	pokes := f.pokes.numbers()
	s.InotifyTold, s.InotifyFailed, s.InotifyWatched = pokes.raised, pokes.failed, pokes.watched
	s.FailedCommits, _ = f.failures.list()
	return s
}
