// Package poke raises the events of inotify and fanotify for changes that another client has made.
//
// The kernel raises an event for the system calls of this machine alone, and no notification of a
// file system asks it to (kernel fact 45). So a process, the poker, makes a system call that changes
// nothing, as if it made the change; the daemon of the mount knows the call and answers it from
// memory. The poker may hang without harm: it holds no lock of the daemon, it opens nothing for
// longer than one order, and it is killed and replaced when it takes too long.
//
// An order leads to calls on the mount alone. Each is made below a descriptor of the mount's root,
// which is checked by the id of the mount, by its device, and by a name that only the daemon
// answers. The ids alone would not do: the kernel gives them again at once.
package poke

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
)

// Variable is the environment variable that makes a process a poker. Its value is a [Mount].
const Variable = "_ZKFS_POKER"

// Mount says which mount is poked.
type Mount struct {
	Point  string // an absolute path
	ID     uint64 // of the mount, as in mountinfo
	Major  uint32 // of its device
	Minor  uint32
	Secret string // a name in the root; the daemon answers the poker's LOOKUP of it by Proof
}

// Proof is the answer to a LOOKUP of Mount.Secret by the poker. Other file systems answer ENOENT.
const Proof = syscall.EREMOTE

// Attribute is what the poker sets for Attributes.
const Attribute = "user.zk.acl"

// Kind is what an event is to say.
type Kind string

// The kinds.
const (
	Modified    Kind = "modified"     // IN_MODIFY and IN_CLOSE_WRITE of a file
	FileCreated Kind = "file created" // IN_CREATE
	DataCreated Kind = "data created" // IN_CREATE, IN_MODIFY and IN_CLOSE_WRITE
	DirCreated  Kind = "directory created"
	FileDeleted Kind = "file deleted" // IN_DELETE
	DirDeleted  Kind = "directory deleted"
	Attributes  Kind = "attributes" // IN_ATTRIB of a file or directory
)

// Order is one change to tell of.
type Order struct {
	Kind Kind
	Dir  string // relative to the root, "." for the root
	Name string
}

// Result is how an order went.
type Result struct {
	Errno     syscall.Errno // 0: the event was raised
	Elsewhere bool          // what is at the mount point is not the mount: nothing was done
	Call      string        // the call that failed
}

// A call of the poker is recognised by the number of its thread. That is the number of the process,
// which no other one gets before the daemon has reaped it, so the calls are made by the first
// thread. It is certain only here that this is the first.
func init() {
	if os.Getenv(Variable) != "" {
		runtime.LockOSThread()
	}
}

// Run is what a poker does: an order for each line of in, until that ends. value is that of
// Variable. It must be called by the main goroutine.
func Run(value string, in io.Reader, out io.Writer) error {
	var m Mount
	if err := json.Unmarshal([]byte(value), &m); err != nil {
		return fmt.Errorf("the environment variable %s is not for users", Variable)
	}
	orders, results := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	for {
		var o Order
		if err := orders.Decode(&o); err != nil {
			return nil // the daemon has ended, or wants no more
		}
		if err := results.Encode(m.carryOut(o)); err != nil {
			return nil
		}
	}
}
