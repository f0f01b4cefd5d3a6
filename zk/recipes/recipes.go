// Package recipes coordinates processes through znodes: an election, a node that lives as long as
// its process, membership of a group, a semaphore, barriers, a queue and a counter. The exclusive
// and the shared lock are zk.Lock.
//
// All of them are built on the public API of package zk, and stand on the znodes of Curator's or
// kazoo's recipe of that kind where there is one, so that programs of both take part. Each says in
// its first paragraph what it cannot promise, and then what a reconnect, the end of the session and
// the end of the recipe do to it.
//
// The session of the zk.Conn holds what a recipe holds. No recipe can know at every moment that its
// session lives: a process that was stopped may go on as if, after another has taken over. Let the
// resource refuse a fencing number that is smaller than one it has seen.
//
// A call goes on after a lost connection and ends with its context, by a zk.InterruptedError that
// unwraps to the error of the context, or with the zk.Conn, by zk.ErrClosing.
package recipes

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
)

// ErrLost says that what was held is not held any more, although it was not given back: the session
// has ended, or another client has deleted the znode.
var ErrLost = errors.New("recipes: no longer held: the session has ended or the znode was deleted")

// newID returns a name that no other process uses.
func newID() string {
	var id [16]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}
