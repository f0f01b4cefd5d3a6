package errno

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/zk"
)

func TestErrno(t *testing.T) {
	for _, c := range []struct {
		err  error
		want syscall.Errno
	}{
		{nil, 0},
		{zk.ErrNoNode, syscall.ENOENT},
		{fmt.Errorf("while looking: %w", zk.ErrNodeExists), syscall.EEXIST},
		{zk.ErrBadVersion, syscall.ESTALE},
		{&zk.InterruptedError{Sent: true, Err: context.DeadlineExceeded}, syscall.ETIMEDOUT},
		{&zk.InterruptedError{Err: context.Canceled}, syscall.EINTR},
		{syscall.EXDEV, syscall.EXDEV},
		{errors.New("whatever"), syscall.EIO},
		{errors.Join(zk.ErrInvalidACL, errors.New("why")), syscall.EINVAL},
	} {
		if got := Of(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}

// The table has a row for every error of package zk that a server or the connection can be the cause of.
func TestErrnoIsExhaustive(t *testing.T) {
	ours := map[string]bool{ // of recipes and codecs, which the table has nothing to do with
		"ErrDeadlock": true, "ErrNotLocked": true, "ErrLockHeld": true, "ErrLockLost": true,
		"ErrUnhandledFieldType": true, "ErrPtrExpected": true, "ErrShortBuffer": true,
	}
	rows, err := os.ReadFile("errno.go")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "../../zk/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.VAR {
			continue
		}
		for _, spec := range gen.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if !strings.HasPrefix(name.Name, "Err") || ours[name.Name] {
					continue
				}
				seen++
				if !strings.Contains(string(rows), "{zk."+name.Name+",") {
					t.Errorf("zk.%s has no row", name.Name)
				}
			}
		}
	}
	if seen < 30 {
		t.Errorf("only %d errors found in package zk", seen)
	}
}

// ENOTCONN would mean that the daemon died.
func TestNeverENOTCONN(t *testing.T) {
	for _, e := range errnos {
		if e.errno == syscall.ENOTCONN {
			t.Errorf("%v is ENOTCONN", e.err)
		}
	}
}

// What programs see of the servers' errors.
func TestErrnoOfEachError(t *testing.T) {
	for errno, errs := range map[syscall.Errno][]error{
		syscall.ENOENT:     {zk.ErrNoNode},
		syscall.EEXIST:     {zk.ErrNodeExists},
		syscall.ENOTEMPTY:  {zk.ErrNotEmpty},
		syscall.EACCES:     {zk.ErrNoAuth, zk.ErrAuthFailed, ensemble.ErrPermission, ErrMaskedACL},
		syscall.ESTALE:     {zk.ErrBadVersion, ErrConflict, ErrGone},
		syscall.ENOTDIR:    {zk.ErrNoChildrenForEphemerals, ErrNotDir},
		syscall.EISDIR:     {ErrIsDir},
		syscall.EINVAL:     {zk.ErrInvalidACL, zk.ErrBadArguments, zk.ErrMarshalling, zk.ErrInvalidPath},
		syscall.EDQUOT:     {zk.ErrQuotaExceeded},
		syscall.EROFS:      {zk.ErrNotReadOnly, ErrReadOnly},
		syscall.EOPNOTSUPP: {zk.ErrUnimplemented, zk.ErrEphemeralOnLocalSession, ErrNoAttribute},
		syscall.EAGAIN:     {zk.ErrThrottled, zk.ErrLockHeld},
		syscall.EFBIG:      {zk.ErrTooLarge, ErrTooLarge},
		syscall.ETIMEDOUT:  {context.DeadlineExceeded, zk.ErrRequestTimeout, zk.ErrOperationTimeout},
		syscall.EHOSTDOWN:  {zk.ErrNoServer, zk.ErrConnectionClosed, zk.ErrSessionExpired},
		syscall.EINTR:      {context.Canceled},
		syscall.EPERM:      {ErrForeign, ErrNotAllowed},
		syscall.EXDEV:      {ErrOtherDevice},
		syscall.ENOLCK:     {ErrRange, ErrUnseen, ErrLockDir},
		syscall.EIO:        {ensemble.ErrUnresolved, ErrLockLost, zk.ErrSystemError, zk.ErrUnknown},
	} {
		for _, err := range errs {
			if got := Of(err); got != errno {
				t.Errorf("%v: %v, want %v", err, got, errno)
			}
		}
	}
}
