package fs

import "fmt"

// life is what a node has to do with a znode. A file goes through all of it; a directory is grown,
// removed or vanished. It is assigned where the node is made and by events, which node.pass applies
// as the table lives says.
//
// Facts that come and go in every life stand apart. A file is open as long as it has handles. It
// has a draft as long as something is written and not committed; in a life that is here it always
// has one, without a base. The base says whether a commit creates or sets: a file that has vanished
// may have either. Whether the draft holds more than a truncation is about its content. A node is
// frozen for the time of one request, see still. What a newborn was given as ACL is data.
//
// The data of a directory that has none is created as a file that is grown: its znode is there.
type life uint8

const (
	lifeGrown    life = iota // it shows a znode
	lifePending              // it is here and not in ZooKeeper: a commit creates the znode
	lifeNewborn              // its znode was created exclusively and not written since; see newborn.go
	lifeScratch              // it lives in this mount alone and is never committed; see scratch.go
	lifeRemoved              // this mount removed it: what is written goes with the last open handle
	lifeVanished             // another client removed it or put something else in its place
)

func (l life) String() string {
	names := [...]string{"grown", "pending", "newborn", "scratch", "removed", "vanished"}
	if int(l) < len(names) {
		return names[l]
	}
	return fmt.Sprintf("life(%d)", uint8(l))
}

// isGone reports whether the znode was deleted or is something else: the node has no links, learns
// nothing more, and is not found by a name.
func (l life) isGone() bool { return l == lifeRemoved || l == lifeVanished }

// isHere reports whether there is no znode yet that another client could remove.
func (l life) isHere() bool { return l == lifePending || l == lifeScratch }

// isKept reports whether the inode outlives the kernel's interest in it. A scratch file would be
// lost, and so would what is known of a newborn one that is opened later by the program that
// writes it.
func (l life) isKept() bool { return l == lifeScratch || l == lifeNewborn }

// isSent reports whether a draft is committed.
func (l life) isSent() bool { return l != lifeScratch && l != lifeRemoved }

// lifeEvent is what can change a life.
type lifeEvent uint8

const (
	onCommit   lifeEvent = iota // the draft is a version of the znode
	onRebase                    // the draft goes on from a version of the znode
	onRecreate                  // the draft is to create the znode again that was deleted under it
	onDrop                      // the draft is given up
	onGrowUp                    // a program has closed the file that may have written it
	onPublish                   // a rename made it a znode
	onRemoval                   // this mount removed it
	onVanish                    // it was not found as what it is
	lifeEvents                  // how many there are
)

func (e lifeEvent) String() string {
	names := [...]string{
		"commit", "rebase", "recreate", "drop", "grow up", "publish", "removal", "vanish",
	}
	if int(e) < len(names) {
		return names[e]
	}
	return fmt.Sprintf("lifeEvent(%d)", uint8(e))
}

// lives is what an event makes of a life. An event that is missing is impossible in that life.
var lives = map[life]map[lifeEvent]life{
	lifeGrown: {
		onCommit: lifeGrown, onRebase: lifeGrown, onRecreate: lifePending, onDrop: lifeGrown,
		onGrowUp: lifeGrown, onRemoval: lifeRemoved, onVanish: lifeVanished,
	},
	lifePending: {
		onCommit: lifeGrown, onRebase: lifeGrown, onDrop: lifeVanished,
		onGrowUp: lifePending, onRemoval: lifeRemoved, onVanish: lifePending,
	},
	lifeNewborn: {
		onCommit: lifeGrown, onRebase: lifeNewborn, onRecreate: lifePending, onDrop: lifeNewborn,
		onGrowUp: lifeGrown, onRemoval: lifeRemoved, onVanish: lifeVanished,
	},
	lifeScratch: {
		onGrowUp: lifeScratch, onPublish: lifeGrown, onRemoval: lifeRemoved, onVanish: lifeScratch,
	},
	lifeRemoved: {
		onGrowUp: lifeRemoved, onRemoval: lifeRemoved, onVanish: lifeRemoved,
	},
	lifeVanished: { // what it commits is a znode that another node shows
		onCommit: lifeVanished, onRebase: lifeVanished, onRecreate: lifeVanished, onDrop: lifeVanished,
		onGrowUp: lifeVanished, onRemoval: lifeRemoved, onVanish: lifeVanished,
	},
}

// pass applies an event to the life of n and returns what that is then. An event that is impossible
// changes nothing and is logged.
func (n *node) pass(e lifeEvent) life {
	n.mu.Lock()
	then := n.passLocked(e)
	now := n.life
	n.mu.Unlock()
	then()
	return now
}

// passLocked is pass with n.mu held. The caller calls then once it is not.
func (n *node) passLocked(e lifeEvent) (then func()) {
	was := n.life
	now, ok := lives[was][e]
	if !ok {
		n.fs.impossible.Add(1)
		n.fs.log.Error("a file cannot live like that", "path", n.path, "life", was, "event", e)
		return func() {}
	}
	n.life = now
	left := now.isGone() && n.fs.nodes.leave(n)
	return func() {
		if left {
			n.release()
		}
		if was.isKept() && !now.isKept() {
			n.ForgetPersistent()
		}
	}
}

// lifeNow returns the life of n.
func (n *node) lifeNow() life {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.life
}

// leave notes that this mount removed the znode of n.
func (n *node) leave() { n.pass(onRemoval) }

// vanish is leave for what another client removed: what is written through open handles is a
// conflict. It returns false if the node has no znode to lose.
func (n *node) vanish() bool { return n.pass(onVanish).isGone() }
