// Package life is the state machine of the files and directories of a mount: what each has to do
// with a znode, and which events change that.
package life

import "fmt"

// Life is what a node of a mount has to do with a znode. A file goes through all of it; a directory
// is grown, removed or vanished. It is assigned where the node is made, and by events, as Table
// says.
//
// Facts that come and go in every life stand apart. A file is open as long as it has handles. It
// has a draft as long as something is written and not committed; in a life that is here it always
// has one, without a base. The base says whether a commit creates or sets: a file that has vanished
// may have either. Whether the draft holds more than a truncation is about its content. A node is
// frozen for the time of one request. What a newborn was given as ACL is data.
//
// The data of a directory that has none is created as a file that is grown: its znode is there.
type Life uint8

// The lives.
const (
	Grown    Life = iota // it shows a znode
	Pending              // it is here and not in ZooKeeper: a commit creates the znode
	Newborn              // its znode was created exclusively and not written since
	Scratch              // it lives in this mount alone and is never committed
	Removed              // this mount removed it: what is written goes with the last open handle
	Vanished             // another client removed it or put something else in its place
)

func (l Life) String() string {
	names := [...]string{"grown", "pending", "newborn", "scratch", "removed", "vanished"}
	if int(l) < len(names) {
		return names[l]
	}
	return fmt.Sprintf("life(%d)", uint8(l))
}

// IsGone reports whether the znode was deleted or is something else: the node has no links, learns
// nothing more, and is not found by a name.
func (l Life) IsGone() bool { return l == Removed || l == Vanished }

// IsHere reports whether there is no znode yet that another client could remove.
func (l Life) IsHere() bool { return l == Pending || l == Scratch }

// IsKept reports whether the inode outlives the kernel's interest in it. A scratch file would be
// lost, and so would what is known of a newborn one that is opened later by the program that
// writes it.
func (l Life) IsKept() bool { return l == Scratch || l == Newborn }

// IsSent reports whether a draft is committed.
func (l Life) IsSent() bool { return l != Scratch && l != Removed }

// Event is what can change a life.
type Event uint8

// The events.
const (
	OnCommit   Event = iota // the draft is a version of the znode
	OnRebase                // the draft goes on from a version of the znode
	OnRecreate              // the draft is to create the znode again that was deleted under it
	OnDrop                  // the draft is given up
	OnGrowUp                // a program has closed the file that may have written it
	OnPublish               // a rename made it a znode
	OnRemoval               // this mount removed it
	OnVanish                // it was not found as what it is
	Events                  // how many there are
)

func (e Event) String() string {
	names := [...]string{
		"commit", "rebase", "recreate", "drop", "grow up", "publish", "removal", "vanish",
	}
	if int(e) < len(names) {
		return names[e]
	}
	return fmt.Sprintf("Event(%d)", uint8(e))
}

// Table is what an event makes of a life. An event that is missing is impossible in that life.
var Table = map[Life]map[Event]Life{
	Grown: {
		OnCommit: Grown, OnRebase: Grown, OnRecreate: Pending, OnDrop: Grown,
		OnGrowUp: Grown, OnRemoval: Removed, OnVanish: Vanished,
	},
	Pending: {
		OnCommit: Grown, OnRebase: Grown, OnDrop: Vanished,
		OnGrowUp: Pending, OnRemoval: Removed, OnVanish: Pending,
	},
	Newborn: {
		OnCommit: Grown, OnRebase: Newborn, OnRecreate: Pending, OnDrop: Newborn,
		OnGrowUp: Grown, OnRemoval: Removed, OnVanish: Vanished,
	},
	Scratch: {
		OnGrowUp: Scratch, OnPublish: Grown, OnRemoval: Removed, OnVanish: Scratch,
	},
	Removed: {
		OnGrowUp: Removed, OnRemoval: Removed, OnVanish: Removed,
	},
	Vanished: { // what it commits is a znode that another node shows
		OnCommit: Vanished, OnRebase: Vanished, OnRecreate: Vanished, OnDrop: Vanished,
		OnGrowUp: Vanished, OnRemoval: Removed, OnVanish: Vanished,
	},
}
