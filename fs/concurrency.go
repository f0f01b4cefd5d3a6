package fs

// This file says which mutexes there are, in what order they are taken, and which goroutines there
// are, and what ends them. TestMutexesAndGoroutinesAreListed, in the root of the module, holds the
// code against both lists.
//
// Mutexes. A mutex may be locked while one above it in its group is held. None is held across a
// request to the servers or a notification of the kernel.
//
//	node.mu           what a file or a directory is. Of two nodes only for an exchange of their
//	                  names; the kernel lets one rename of both through at a time (kernel fact 10)
//	  nodes.mu        which node shows which znode. go-fuse's locks of inodes are taken under it
//	  notifier.mu     what the kernel is to be told; also under watch.mu of package ensemble
//
//	locks.mu          which locks programs hold and wait for
//	lookers.mu        the threads that were sent back to look at a name again
//	operations.mu     the errors that the kernel was given
//	pokes.mu          the poker that runs, and what is counted of it
//	pokeQueue.mu      what programs that watch are to be told; nodes.mu is taken under it
//	announced.mu      the call that the poker may make
//	failures.mu       the commits that failed for good
//	bounded.mu        when the request of a program has to end, in package internal/calls
//
// The mutexes of package ensemble are taken under node.mu or under none. nodes.mu and notifier.mu
// are never held together, and but for pokeQueue.mu nothing is locked under a mutex of the second
// group.
//
// Tokens are held across requests. A wait for one ends with the context of the waiter. They come
// before all mutexes.
//
//	locks.acquiring   one for each owner of locks, of the request that gets a lock for it
//	  file.busy       of a program that changes or commits the content of a file, or moves it. Of two
//	                  files: of what is renamed first, then of what it replaces; the kernel lets one
//	                  rename of both through at a time (kernel fact 10)
//
// A channel of capacity 1 wakes a goroutine, and no sender waits for it:
//
//	notifier.wake     something is to be told
//	pokeQueue.wake    programs that watch are to be told something
//
// Goroutines, by the function that starts them. go-fuse has one for each request of the kernel.
//
//	FS.serve          the kernel's requests; ends when the kernel has unmounted, and ends the rest
//	FS.serve          notifier.run, which tells the kernel; ends with the mount, or with Retire
//	FS.startPokes     pokes.run, which tells programs that watch; ends with pokes.stop, and with the
//	                  call of the poker that is under way
//	pokes.run         ends its waits with pokes.stop; ends then, or with run
//	Start             reads what a poker answers, in package internal/poke; ends with that process
//	FS.Unmount        waits for the last request; ends with the mount
//	file.lock         FS.warn, of one lock; ends when that is given back or lost
//	locks.startRelease
//	                  gives a lock back; ends when the contender is gone, with the session, or with
//	                  the connection
//	locks.endsWith    gives a lock back when its process ends; ends then, or when it is given back
//	ending            waits for the end of a process; ends then, or with its stop
//	bounded.real      counts down for a request that a signal has interrupted; ends with the request
//	bounded.interrupted
//	                  ends such a request after its time of grace; ends at once
//	file.expire       lets the kernel drop old pages of a file; ends at once
//	apart             one call on a thread of its own; ends with the call
