package ensemble

// This file says which mutexes there are, in what order they are taken, and which goroutines there
// are, and what ends them. TestMutexesAndGoroutinesAreListed, in the root of the module, holds the
// code against both lists.
//
// Mutexes. A mutex may be locked while one above it in its group is held. None is held across a
// request. Options.Tell may be called under watch.mu, and under no other.
//
//	watch.mu         which watches stand, and which changes are the caller's own
//	  cache.mu       what is known of the znodes; also taken by itself
//
//	ahead.mu         what is being read ahead
//	identities.mu    what identities the session has
//
// A caller may hold mutexes of its own, but none that Options.Tell takes. No mutex of package zk is
// taken under one of these, and none of these under one of package zk.
//
// Tokens. A channel of capacity 1 wakes a goroutine, and no sender waits for it:
//
//	watch.sweep      a watch is to be removed
//
// Goroutines, by the function that starts them. Ensemble.Close ends those that last.
//
//	Ensemble.Start   ahead.run, which reads ahead; ends with Close
//	watch.start      watch.tend, which plants the recursive watch in each session; ends with Close,
//	                 or when the watch is given up
//	watch.start      watch.sweeper, which removes watches; ends with Close
//	watch.tend       hands the end of the ensemble to a context; ends with tend
//	watch.sweeper    hands the end of the ensemble to a context; ends with Close
//	watch.sweeper    one removal, of 64 at a time; ends when a server has answered, or with Close
//	ahead.children   one listing; ends when a server has answered, or its time is over
