package zk

import (
	"errors"
	"fmt"
	"slices"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// ErrCode is an error code of the protocol (KeeperException.Code).
// The client turns it into one of the error values below.
type ErrCode int32

// What a server may answer. Compare with errors.Is.
var (
	ErrSystemError              = errors.New("zk: system error")
	ErrRuntimeInconsistency     = errors.New("zk: runtime inconsistency")
	ErrDataInconsistency        = errors.New("zk: data inconsistency")
	ErrMarshalling              = errors.New("zk: marshalling error")
	ErrUnimplemented            = errors.New("zk: operation not implemented by the server")
	ErrOperationTimeout         = errors.New("zk: operation timeout")
	ErrBadArguments             = errors.New("zk: invalid arguments")
	ErrUnknownSession           = errors.New("zk: unknown session")
	ErrNewConfigNoQuorum        = errors.New("zk: no quorum of the new configuration is connected")
	ErrReconfigInProgress       = errors.New("zk: another reconfiguration is in progress")
	ErrAPIError                 = errors.New("zk: api error")
	ErrNoNode                   = errors.New("zk: node does not exist")
	ErrNoAuth                   = errors.New("zk: not authenticated")
	ErrBadVersion               = errors.New("zk: version conflict")
	ErrNoChildrenForEphemerals  = errors.New("zk: ephemeral nodes may not have children")
	ErrNodeExists               = errors.New("zk: node already exists")
	ErrNotEmpty                 = errors.New("zk: node has children")
	ErrSessionExpired           = errors.New("zk: session has been expired by the server")
	ErrInvalidCallback          = errors.New("zk: invalid callback specified")
	ErrInvalidACL               = errors.New("zk: invalid ACL specified")
	ErrAuthFailed               = errors.New("zk: client authentication failed")
	ErrClosing                  = errors.New("zk: zookeeper is closing")
	ErrNothing                  = errors.New("zk: no server responses to process")
	ErrSessionMoved             = errors.New("zk: session moved to another server, so operation is ignored")
	ErrNotReadOnly              = errors.New("zk: server is read-only")
	ErrEphemeralOnLocalSession  = errors.New("zk: local sessions may not have ephemeral nodes")
	ErrNoWatcher                = errors.New("zk: no such watch")
	ErrRequestTimeout           = errors.New("zk: request timed out on the server")
	ErrReconfigDisabled         = errors.New("zk: reconfiguration is disabled on the server")
	ErrSessionClosedRequireSasl = errors.New("zk: session closed because the server requires SASL authentication")
	ErrQuotaExceeded            = errors.New("zk: quota exceeded")
	ErrThrottled                = errors.New("zk: request throttled by the server")

	// ErrUnknown is the ground of every error whose code this package does not know.
	ErrUnknown = errors.New("zk: unknown error")

	// ErrRolledBack is the error of an operation of a multi that stands behind the one that failed.
	// None took effect, those before it neither.
	ErrRolledBack = errors.New("zk: rolled back because another operation of the multi failed")
)

// What the client itself finds.
var (
	// ErrConnectionClosed ends a call whose connection went away after the request was sent.
	// Whether the server applied it is unknown.
	ErrConnectionClosed = errors.New("zk: connection closed")

	// ErrNoServer ends a call that was never sent because every server of the list was tried without success.
	ErrNoServer = errors.New("zk: could not connect to a server")

	// ErrInvalidPath ends a call with a path that no server accepts, before anything is sent.
	ErrInvalidPath = errors.New("zk: invalid path")

	// ErrInvalidFlags ends a create whose flags do not belong to the call, before anything is sent.
	ErrInvalidFlags = errors.New("zk: invalid flags specified")

	// ErrTooLarge ends a call whose request exceeds the server's packet limit (jute.maxbuffer), before
	// anything is sent: the server would drop the connection without an answer.
	ErrTooLarge = errors.New("zk: request larger than the server's packet limit")

	// ErrReplyTooLarge ends a call whose reply exceeds what the client accepts, see
	// [WithMaxBufferSize]. The server has done the request.
	ErrReplyTooLarge = errors.New("zk: reply larger than the client accepts")

	// ErrDeadlock is returned by Lock when trying to lock twice without unlocking first.
	ErrDeadlock = errors.New("zk: trying to acquire a lock twice")

	// ErrNotLocked is returned by Unlock when trying to release a lock that has not first been acquired.
	ErrNotLocked = errors.New("zk: not locked")
)

// What a reflection codec reported; this package's codec returns [ErrShortBuffer] alone.
var (
	ErrUnhandledFieldType = errors.New("zk: unhandled field type")
	ErrPtrExpected        = errors.New("zk: encode/decode expect a non-nil pointer to struct")
	ErrShortBuffer        = errors.New("zk: buffer too small")
)

var codeErrors = map[wire.Code]error{
	wire.CodeSystemError:              ErrSystemError,
	wire.CodeRuntimeInconsistency:     ErrRuntimeInconsistency,
	wire.CodeDataInconsistency:        ErrDataInconsistency,
	wire.CodeConnectionLoss:           ErrConnectionClosed,
	wire.CodeMarshallingError:         ErrMarshalling,
	wire.CodeUnimplemented:            ErrUnimplemented,
	wire.CodeOperationTimeout:         ErrOperationTimeout,
	wire.CodeBadArguments:             ErrBadArguments,
	wire.CodeUnknownSession:           ErrUnknownSession,
	wire.CodeNewConfigNoQuorum:        ErrNewConfigNoQuorum,
	wire.CodeReconfigInProgress:       ErrReconfigInProgress,
	wire.CodeAPIError:                 ErrAPIError,
	wire.CodeNoNode:                   ErrNoNode,
	wire.CodeNoAuth:                   ErrNoAuth,
	wire.CodeBadVersion:               ErrBadVersion,
	wire.CodeNoChildrenForEphemerals:  ErrNoChildrenForEphemerals,
	wire.CodeNodeExists:               ErrNodeExists,
	wire.CodeNotEmpty:                 ErrNotEmpty,
	wire.CodeSessionExpired:           ErrSessionExpired,
	wire.CodeInvalidCallback:          ErrInvalidCallback,
	wire.CodeInvalidACL:               ErrInvalidACL,
	wire.CodeAuthFailed:               ErrAuthFailed,
	wire.CodeClosing:                  ErrClosing,
	wire.CodeNothing:                  ErrNothing,
	wire.CodeSessionMoved:             ErrSessionMoved,
	wire.CodeNotReadOnly:              ErrNotReadOnly,
	wire.CodeEphemeralOnLocalSession:  ErrEphemeralOnLocalSession,
	wire.CodeNoWatcher:                ErrNoWatcher,
	wire.CodeRequestTimeout:           ErrRequestTimeout,
	wire.CodeReconfigDisabled:         ErrReconfigDisabled,
	wire.CodeSessionClosedRequireSasl: ErrSessionClosedRequireSasl,
	wire.CodeQuotaExceeded:            ErrQuotaExceeded,
	wire.CodeThrottledOp:              ErrThrottled,
}

// errorOf returns the error value of a code of the protocol, nil for 0.
func errorOf(code wire.Code) error {
	if code == wire.CodeOK {
		return nil
	}
	if err := codeErrors[code]; err != nil {
		return err
	}
	return fmt.Errorf("%w: code %d", ErrUnknown, code)
}

// InterruptedError ends a call whose context ended first. It unwraps to the context's error.
type InterruptedError struct {
	Sent bool  // the request may have reached the server, which may still apply it
	Err  error // the context's error
}

func (e *InterruptedError) Error() string {
	if e.Sent {
		return "zk: gave up waiting for the reply: " + e.Err.Error()
	}
	return "zk: gave up before the request was sent: " + e.Err.Error()
}

func (e *InterruptedError) Unwrap() error { return e.Err }

// MaybeApplied reports whether the call that returned err may have taken effect on the server although
// it failed: its request was sent, and the reply was never seen, or not understood. A write that
// failed so must not be repeated blindly. For every other error the server either refused the
// request or never got it.
func MaybeApplied(err error) bool {
	var interrupted *InterruptedError
	if errors.As(err, &interrupted) {
		return interrupted.Sent
	}
	return slices.ContainsFunc(doubtful, func(target error) bool { return errors.Is(err, target) })
}

// doubtful are the errors that leave open what the server has done.
var doubtful = []error{ErrConnectionClosed, ErrOperationTimeout, ErrRequestTimeout,
	ErrReplyTooLarge, wire.ErrMalformed, errOutside}
