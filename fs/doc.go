// Package fs mounts a ZooKeeper ensemble as a directory: znodes are files and directories.
//
//	conn, _, err := zk.Connect([]string{"zk1:2181"}, 10*time.Second)
//	...
//	mounted, err := fs.Mount(conn, "/mnt/zk", fs.Options{})
//	...
//	mounted.Wait() // until it is unmounted, by Unmount or by umount(8)
//
// The process that serves a mount must not use files on it: a system call that the kernel answers
// by asking this process may wait for itself.
//
// Package internal/ensemble knows ZooKeeper, and package fs knows the kernel. A request of the
// kernel goes down, an event of a server comes up, and neither way turns back:
//
//	kernel request -> raw -> go-fuse -> node (dir, file, handle) -> ensemble -> zk.Conn -> server
//	watch event    -> zk.Conn -> ensemble: the cache goes stale, in order -> notifier -> kernel
//
// What needs nothing of a mount has packages of its own: the shown names and kinds of znodes
// (names), the lives of files (life), the ACLs of new znodes (acls), the errors that programs see
// (errno), and how long their calls wait (calls).
//
// docs/filesystem.md says what users see, docs/consistency.md what a mount promises, with the test
// of each sentence, and docs/kernel.md what the kernel does. Comments cite that page: "kernel fact
// 7".
//
// # The node tree
//
// A node is what the kernel knows as an inode: a dir, a file, or the file /.status. The kernel's
// tree is go-fuse's; the table of nodes says which node shows which znode (nodes.go). A node has a
// role: a directory, a leaf, the data of a directory's znode (.data), a lock file, or the lock of a
// directory (.lock).
//
// What is a file and what is a directory depends on name and Stat of the znode alone, see package
// names: so all mounts show the same, after a remount too. A znode that becomes the other kind gets
// another node: the kernel does not take a new type for an inode that it knows (kernel fact 50). A
// node without a znode answers ESTALE, and the kernel looks the name up again (kernel fact 13); for
// programs that have the file open it stays as it was, with no link.
//
// A znode may have the name of .data, .lock or .status. It is shown with its first byte escaped;
// [ZnodePath] and [FilePath] turn paths of files into paths of znodes and back.
//
// Tests: TestTypesStay, TestPathsOfFilesAndZnodes, TestPathsOfOneHash, TestOpenFileIsKept,
// TestNothingIsStaleOnOneMount, TestInodeNumbers. Example: ExampleZnodePath.
//
// # What a request does
//
// Type raw stands between the kernel and go-fuse, and adds what the interfaces of nodes have no
// place for: lifetimes of names that are missing, owners of locks, answers for the whole mount.
// Type counted counts. api_check.go lists the operations that there are, and those that are missing
// on purpose, with the error that their callers get.
//
// Each operation gets a context for all that it asks of the servers (package calls). The context
// ends after Options.Timeout, sooner while the servers are known to be silent, and when a signal
// ends the caller. So no system call waits for ever, but for a lock, and a signal ends that wait.
// Unmounting always works.
//
// An operation returns an error of package errno or of package zk. One table turns it into an error
// number (package errno); what the table does not foresee is EIO, and a line in the log.
//
// Tests: TestTimeout, TestServerAway, TestHostDown, TestInterrupt, TestPosix, TestRules.
//
// # Questions and the cache
//
// Three hold what is known: the kernel, the cache of the mount, and the servers. A question goes to
// the nearest that knows. The kernel may keep what the cache may keep, and no longer than the
// session can live without a word of this process, which might hang.
//
// The cache keeps an answer as long as a watch guards it: one recursive watch for the whole mount
// (WatchTree), a watch for each znode (WatchNode), or none for a second (WatchOff). An event marks
// what it is about as stale on the client's read loop, before any later reply reaches its caller:
// no answer from before a change is kept as one from after it. Without a connection nothing is
// trusted before it has been verified; a new session begins with nothing.
//
// A directory is filled by batches: one request brings many children with Stat and data. Programs
// that walk a tree find the next directories read ahead.
//
// Tests: TestWarmReadsAskNobody, TestChangesByOthersAreSeen, TestReconnect, TestNewSession,
// TestMaxAge, TestLifetime, TestEviction, TestRequestsForReading, TestReadingAhead.
//
// # Reading
//
// A read never returns a piece of one version and a piece of the next. The kernel asks for the size
// of a file and for its content one after the other (kernel fact 20), so an open file keeps what
// the kernel was told last, the size with the data, and answers reads from that (file.go). Large
// files, and those that change right now, pass the kernel's cache by: each handle reads the version
// that it was opened at (read.go). For sendfile(2) and mapped files, which never ask for a size,
// see pages.go.
//
// Tests: TestReadsAreNotTorn, TestOpenFileFollows, TestPagesFollow, TestSync.
//
// # Drafts and commits
//
// What programs write is collected in a draft, one for a file, whatever the number of its handles
// (draft.go). A commit sends it as one change (commit.go): at the close(2) of the process that
// opened the file, at fsync(2), or at each write(2) with CommitWrite or O_SYNC. A file that does
// not exist is created by its first commit, with its data, unless O_EXCL asks for it at once.
//
// A draft knows the version that it is based on. If another client was first, the program's intent
// decides: O_TRUNC overwrites, O_APPEND appends again, and a change of what was read fails with
// ESTALE, as all do with ConflictFail.
//
// A change without a reply is neither repeated blindly nor forgotten: a sync and a read tell what
// became of it, and what they cannot tell is EIO. What fails for good is dropped, with what the
// kernel holds of it, and stands in the log and in /.status.
//
// What is appended passes the kernel's cache by, so that one write(2) is one request (handle.go).
//
// Scratch files of editors stay in the memory of the mount until a rename makes them znodes
// (scratch.go). What a file has to do with a znode is its life, which one table of events moves
// (package life).
//
// Tests: TestReadYourWrites, TestOneWriteIsOneVersion, TestShellRedirection,
// TestAppendsFromEverywhere, TestReadModifyWriteConflict, TestChangesArriveOnce,
// TestLostAppendIsAnError, TestCommitWhoseTimeIsOverIsMadeOnce, TestLostWrite, TestModel,
// TestScratchNames, TestHalfAWriteIsNoVersion, TestEveryEventOfEveryLife, TestLivesAreLived.
//
// # Locks
//
// flock(2) and fcntl(2) on a file F are ZooKeeper's Lock recipe on the znode F.lock, or on F itself
// if its name ends so; [LockPath] tells. ZooKeeper alone decides which lock excludes which, between
// programs of one host too. The table of locks (locktable.go) holds what programs hold through this
// mount, by the open file or by the owner that the kernel names (kernel fact 33).
//
// A program that gets a lock sees what earlier holders wrote before they gave it back. A lock ends
// with its unlock, with the file, with the process, or with the session: then the handle answers
// EIO. What is given back is deleted in the background while no server answers (unlock.go).
//
// Tests: TestLockIsTheRecipe, TestFlockExcludes, TestFcntlLocks, TestLockEndsWithItsProcess,
// TestLostLock, TestDeadlock, TestLockFileShowsTheQueue, TestNothingWaitsForAnUnlock, TestLockPath.
//
// # Telling the kernel
//
// A notification can wait for a lock of the kernel. The holder of the lock may wait for an answer
// of this process, and no signal ends the wait (kernel facts 40 and 43). So nothing that a handler
// may wait for notifies: news are queued, and one goroutine, which holds no mutex and asks no
// server, tells them (notify.go). The queue coalesces and never drops. A handler of an open is the
// one exception: the kernel holds no lock there (kernel fact 14).
//
// A change through this mount is no news to the kernel, which has made it.
//
// Tests: TestOnlyTheNotifierNotifies, TestSettle, TestLateNewsOfADeletion.
//
// # Options and figures
//
// The zero value of [Options] is what most want. The file /.status says what the mount knows and
// what the servers say, while no server answers too; [FS.Stats] has the figures for metrics.
//
// # Working on this package
//
// The order of all mutexes and every goroutine stand in concurrency.go. Tests make a world of a
// server, a mount, a process that works there, and another client: newWorld in mount_test.go. The
// count of requests of the kernel and of the servers is part of the contract:
// TestRequestsForReading, TestRequestsForWriting, TestRequestsForLargeDirectory.
//
// Example: ExampleMount.
package fs
