// Package ensemble is what a mount or a command knows of ZooKeeper, and its only way to the
// servers.
//
// An [Ensemble] answers questions from its cache, then from the servers:
//
//	s, err := e.Know(ctx, "/app")    // the Stat, and what else is known anyway
//	s, err := e.Get(ctx, "/app")     // the data, with the Stat that belongs to it
//	s, err := e.List(ctx, "/app")    // the names of the children, likewise
//	e.Many(ctx, paths, each)         // many znodes, in few requests
//
// A [Change] is made exactly once by [Ensemble.Do], whatever happens to the connection:
//
//	st, err := e.Do(ctx, ensemble.Writing{Path: "/app", Data: data, Base: s.Stat})
//
// [Ensemble.LookAgain] prepares a change anew that other clients have overtaken.
//
// # What is trusted
//
// The cache is true because watches stand. While there is no connection, nothing in it is used; in
// a new session all is forgotten. An event makes stale what it is about before any later answer of
// the servers is handled. What no watch stands for is trusted for Options.Trust.
//
// # News
//
// Options.Tell gets the news of changes by other clients, of changes that failed, and of what the
// cache does not keep any more. It is called in the order of the events, on the client's goroutine.
//
// # Time
//
// Every call ends with its context. Questions and changes are asked again while a connection may
// come back. [Ensemble.Wait] says how long a call should wait for servers that are silent.
package ensemble
