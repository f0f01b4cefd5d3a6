// Package errno is the table of what programs see of the errors of a mount: an error number for
// each. It has the errors of the mount itself.
package errno

import (
	"context"
	"errors"
	"syscall"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
)

// What the file system itself refuses.
var (
	ErrConflict  = errors.New("the znode was changed by somebody else")
	ErrTooLarge  = errors.New("more data than the servers accept in a znode")
	ErrGone      = errors.New("the znode does not exist any more, or as something else")
	ErrMaskedACL = errors.New("an ACL whose digests the server masked can not be copied; " +
		"mount with --acl creator or a list")
	ErrReadOnly    = errors.New("mounted read-only")
	ErrNotAllowed  = errors.New("not a file operation that znodes have")
	ErrForeign     = errors.New("an ephemeral of another session")
	ErrNotDir      = errors.New("a directory can not take the place of a file")
	ErrIsDir       = errors.New("a file can not take the place of a directory")
	ErrOtherDevice = errors.New("too much, or too special, for one transaction")
	ErrNoAttribute = errors.New("no such extended attribute")
	ErrRange       = errors.New("a lock on a part of a file")
	ErrLockDir     = errors.New("the lock of the file is a directory, which another program has made")
	ErrUnseen      = errors.New("a lock of a process that this mount cannot see the end of; open the file again")
	ErrLockLost    = errors.New("the session that held the lock is over")
)

// errnos is the whole table of what programs see. The first match counts.
var errnos = []struct {
	err   error
	errno syscall.Errno
}{
	{zk.ErrNoNode, syscall.ENOENT},
	{zk.ErrNodeExists, syscall.EEXIST},
	{zk.ErrNotEmpty, syscall.ENOTEMPTY},
	{zk.ErrNoAuth, syscall.EACCES},
	{zk.ErrAuthFailed, syscall.EACCES},
	{zk.ErrSessionClosedRequireSasl, syscall.EACCES},
	{zk.ErrBadVersion, syscall.ESTALE},
	{zk.ErrNoChildrenForEphemerals, syscall.ENOTDIR},
	{zk.ErrInvalidACL, syscall.EINVAL},
	{zk.ErrBadArguments, syscall.EINVAL},
	{zk.ErrMarshalling, syscall.EINVAL},
	{zk.ErrInvalidPath, syscall.EINVAL},
	{zk.ErrInvalidFlags, syscall.EINVAL},
	{zk.ErrQuotaExceeded, syscall.EDQUOT},
	{zk.ErrNotReadOnly, syscall.EROFS},
	{zk.ErrUnimplemented, syscall.EOPNOTSUPP},
	{zk.ErrEphemeralOnLocalSession, syscall.EOPNOTSUPP},
	{zk.ErrReconfigDisabled, syscall.EOPNOTSUPP},
	{zk.ErrThrottled, syscall.EAGAIN},
	{zk.ErrReconfigInProgress, syscall.EAGAIN},
	{zk.ErrNewConfigNoQuorum, syscall.EAGAIN},
	{zk.ErrTooLarge, syscall.EFBIG},
	{zk.ErrReplyTooLarge, syscall.EFBIG},
	{zk.ErrOperationTimeout, syscall.ETIMEDOUT},
	{zk.ErrRequestTimeout, syscall.ETIMEDOUT},
	{zk.ErrConnectionClosed, syscall.EHOSTDOWN},
	{zk.ErrNoServer, syscall.EHOSTDOWN},
	{zk.ErrClosing, syscall.EHOSTDOWN},
	{zk.ErrSessionExpired, syscall.EHOSTDOWN},
	{zk.ErrSessionMoved, syscall.EHOSTDOWN},
	{zk.ErrUnknownSession, syscall.EHOSTDOWN},

	{context.DeadlineExceeded, syscall.ETIMEDOUT},
	{context.Canceled, syscall.EINTR},

	{ErrConflict, syscall.ESTALE},
	{ErrGone, syscall.ESTALE},
	{ensemble.ErrUnresolved, syscall.EIO},
	{ErrTooLarge, syscall.EFBIG},
	{ErrMaskedACL, syscall.EACCES},
	{ensemble.ErrPermission, syscall.EACCES},
	{ErrReadOnly, syscall.EROFS},
	{ErrNotAllowed, syscall.EPERM},
	{ErrForeign, syscall.EPERM},
	{ErrNotDir, syscall.ENOTDIR},
	{ErrIsDir, syscall.EISDIR},
	{ensemble.ErrOvertaken, syscall.EBUSY},
	{ErrOtherDevice, syscall.EXDEV},
	{ErrNoAttribute, syscall.EOPNOTSUPP},
	{ErrRange, syscall.ENOLCK},
	{ErrUnseen, syscall.ENOLCK},
	{ErrLockDir, syscall.ENOLCK},
	{ErrLockLost, syscall.EIO},
	{zk.ErrLockLost, syscall.EIO},
	{zk.ErrLockHeld, syscall.EWOULDBLOCK},
	{zk.ErrDeadlock, syscall.EDEADLK},
	{zk.ErrNotLocked, syscall.EINVAL},

	// Answers that a server gives to no request that is made here.
	{zk.ErrSystemError, syscall.EIO},
	{zk.ErrRuntimeInconsistency, syscall.EIO},
	{zk.ErrDataInconsistency, syscall.EIO},
	{zk.ErrAPIError, syscall.EIO},
	{zk.ErrInvalidCallback, syscall.EIO},
	{zk.ErrNothing, syscall.EIO},
	{zk.ErrNoWatcher, syscall.EIO},
	{zk.ErrRolledBack, syscall.EIO},
	{zk.ErrUnknown, syscall.EIO},
}

// Of returns the error number for err, 0 for nil. It is never ENOTCONN: to an administrator that
// means that the daemon died. Any error that the table does not know is EIO.
func Of(err error) syscall.Errno {
	if err == nil {
		return 0
	}
	for _, e := range errnos {
		if errors.Is(err, e.err) {
			return e.errno
		}
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return syscall.EIO
}
