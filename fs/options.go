package fs

import (
	"log/slog"
	"os/exec"
	"time"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/internal/acls"
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
)

// WatchMode says how the mount learns of changes by other clients.
type WatchMode = ensemble.WatchMode

const (
	// WatchTree uses one persistent recursive watch on the root of the mount (ZooKeeper 3.6). With
	// older servers the mount falls back to WatchNode and logs it.
	WatchTree = ensemble.WatchTree
	// WatchNode uses a watch for each znode that the mount looked at.
	WatchNode = ensemble.WatchNode
	// WatchOff uses none: what the mount knows is trusted for a second.
	WatchOff = ensemble.WatchOff
)

// ACLMode says which ACL a new znode gets.
type ACLMode = acls.Mode

const (
	// ACLInherit copies the ACL of the parent.
	ACLInherit = acls.Inherit
	// ACLOpen is world:anyone:cdrwa.
	ACLOpen = acls.Open
	// ACLCreator gives everything to the identities of the session and nothing to others.
	ACLCreator = acls.Creator
	// ACLList is Options.ACLs.
	ACLList = acls.List
)

// ErrNoIdentity is the error of [Mount] if new znodes are to belong to the creator and the session
// has proved no identity: the servers would refuse each of them, and most programs would not hear
// of it.
var ErrNoIdentity = acls.ErrNoIdentity

// ParseACL reads a mode by its name, inherit, open or creator, or a list in the syntax of the attribute user.zk.acl, as in
// world:anyone:r,digest:bob:HASH:cdrwa. The list is nil but for [ACLList].
func ParseACL(text string) (ACLMode, []zk.ACL, error) {
	switch text {
	case "inherit":
		return ACLInherit, nil, nil
	case "open":
		return ACLOpen, nil, nil
	case "creator":
		return ACLCreator, nil, nil
	}
	list, err := xattr.ParseACL(text)
	return ACLList, list, err
}

// CommitMode says when what was written is sent to the servers.
type CommitMode int

const (
	// CommitClose sends it when the file is closed or synced: one new version for what one command writes.
	CommitClose CommitMode = iota
	// CommitWrite sends it with each write(2): every error is seen by the program that wrote, and watchers see parts of a value.
	CommitWrite
)

// ModeSource says where the permission bits that stat(2) shows come from.
type ModeSource int

const (
	// ModesFixed shows the same for all files and for all directories.
	ModesFixed ModeSource = iota
	// ModesACL leaves out what the ACL of the znode does not let this session do.
	ModesACL
)

// ConflictMode says what happens to a write when another client changed the znode meanwhile.
type ConflictMode int

const (
	// ConflictIntent overwrites what is meant to be overwritten (O_TRUNC), appends what is meant to be appended
	// (O_APPEND), and refuses the rest with ESTALE.
	ConflictIntent ConflictMode = iota
	// ConflictFail refuses all with ESTALE.
	ConflictFail
)

// Options says how an ensemble is mounted. The zero value is what most want.
type Options struct {
	UID, GID   uint32 // the owner that is shown for everything
	Umask      uint32 // permission bits that are not shown
	Modes      ModeSource
	ReadOnly   bool // refuse every change, in the kernel and here
	AllowOther bool // let other users in, as far as the mode bits allow it

	// Timeout bounds what one system call waits for ZooKeeper. 0 is 10 s.
	Timeout time.Duration
	// MaxAge bounds how long anything is trusted although no watch reported a change. 0 is a minute.
	MaxAge time.Duration
	// Watch is how changes by others are noticed.
	Watch WatchMode
	// CacheSize is how many bytes of memory what is known about znodes may take, with the inodes that the kernel knows of
	// them: about 950 for a small znode. What was not used for longest goes, and the kernel is made to forget it. 0 is 256 MiB.
	CacheSize int

	// Inotify says which changes by other clients wake programs that watch by inotify.
	Inotify InotifyMode
	// Poker returns a command that calls [RunPoker], and does nothing else. It makes the system calls
	// for Inotify, in a process of its own. nil is InotifyOff.
	Poker func() *exec.Cmd

	// ACL is what new znodes get; ACLs is the list for ACLList.
	ACL  ACLMode
	ACLs []zk.ACL

	// LockSuffix ends the names of lock files. Empty is ".lock", "-" switches lock files off.
	LockSuffix string
	// MaxData is the most data that the servers accept in a znode, in bytes. 0 is what fits into their default
	// packet limit (jute.maxbuffer) with room for a path.
	MaxData int
	// Commit is when written data is sent.
	Commit CommitMode
	// Conflict is what happens when another client changed the znode meanwhile.
	Conflict ConflictMode
	// NoLocal sends even the scratch files of editors to the servers. By default they stay in the memory of the mount.
	NoLocal bool
	// NoEphemerals hides ephemeral znodes from listings.
	NoEphemerals bool
	// ShowStatus lists /.status, which can be opened either way.
	ShowStatus bool

	// Servers are the addresses that /.status asks, and Words asks them; nil asks over plain TCP.
	Servers []string
	Words   *flw.Client
	// Context is the SELinux label of all files, for root. A system without SELinux has no use for it.
	Context string
	// FsName is what mount(8) and df(1) show as the source.
	FsName string
	// Version is that of the program, for /.status.
	Version string
	// Logger gets what no system call can report. nil discards it.
	Logger *slog.Logger
	// In tests; as in [ensemble.Options].
	trust time.Duration
	flood int
	// In tests: the most that one WRITE of the kernel brings. 0 is maxWrite.
	write int

	// Debug logs every request of the kernel on standard error.
	Debug bool
}

// defaultMaxData is the default of jute.maxbuffer less 1 KiB for the header, the path and the ACL.
const defaultMaxData = 0xfffff - 1024

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.MaxAge == 0 {
		o.MaxAge = time.Minute
	}
	if o.CacheSize == 0 {
		o.CacheSize = 256 << 20
	}
	if o.Watch == WatchOff {
		o.MaxAge = min(o.MaxAge, time.Second)
	}
	switch o.LockSuffix {
	case "":
		o.LockSuffix = names.Lock
	case "-":
		o.LockSuffix = ""
	}
	if o.MaxData == 0 {
		o.MaxData = defaultMaxData
	}
	if o.write == 0 {
		o.write = maxWrite
	}
	if o.Words == nil {
		o.Words = new(flw.Client)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
