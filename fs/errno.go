package fs

import (
	"context"
	"errors"
	"syscall"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
)

// What the file system itself refuses.
var (
	errConflict    = errors.New("the znode was changed by somebody else")
	errTooLarge    = errors.New("more data than the servers accept in a znode")
	errGone        = errors.New("the znode does not exist any more, or as something else")
	errMaskedACL   = errors.New("an ACL whose digests the server masked can not be copied; mount with --acl creator or a list")
	errReadOnly    = errors.New("mounted read-only")
	errNotAllowed  = errors.New("not a file operation that znodes have")
	errForeign     = errors.New("an ephemeral of another session")
	errNotDir      = errors.New("a directory can not take the place of a file")
	errIsDir       = errors.New("a file can not take the place of a directory")
	errOtherDevice = errors.New("too much, or too special, for one transaction")
	errNoAttribute = errors.New("no such extended attribute")
	errRange       = errors.New("a lock on a part of a file")
	errLockDir     = errors.New("the lock of the file is a directory, which another program has made")
	errUnseen      = errors.New("a lock of a process that this mount cannot see the end of; open the file again")
	errLockLost    = errors.New("the session that held the lock is over")
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

	{errConflict, syscall.ESTALE},
	{errGone, syscall.ESTALE},
	{ensemble.ErrUnresolved, syscall.EIO},
	{errTooLarge, syscall.EFBIG},
	{errMaskedACL, syscall.EACCES},
	{ensemble.ErrPermission, syscall.EACCES},
	{errReadOnly, syscall.EROFS},
	{errNotAllowed, syscall.EPERM},
	{errForeign, syscall.EPERM},
	{errNotDir, syscall.ENOTDIR},
	{errIsDir, syscall.EISDIR},
	{ensemble.ErrOvertaken, syscall.EBUSY},
	{errOtherDevice, syscall.EXDEV},
	{errNoAttribute, syscall.EOPNOTSUPP},
	{errRange, syscall.ENOLCK},
	{errUnseen, syscall.ENOLCK},
	{errLockDir, syscall.ENOLCK},
	{errLockLost, syscall.EIO},
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

// errnoOf returns the error number for err, 0 for nil. It is never ENOTCONN: to an administrator that means
// that the daemon died. Whatever the table does not know is EIO.
func errnoOf(err error) syscall.Errno {
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
