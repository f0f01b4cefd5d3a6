package main

import (
	"context"
	"errors"

	"github.com/zkfs/zkfs/zk"
)

// refusals are the errors of operations on znodes, with their exit codes and their words. Errors
// that are not here say that no server has answered.
var refusals = []struct {
	err  error
	code int
	text string
	hint string
}{
	{zk.ErrNoNode, exitChroot, "the znode does not exist", ""},
	{zk.ErrNoAuth, exitAuth, "its ACL does not allow it", authHint},
	{zk.ErrAuthFailed, exitAuth, "the servers refuse the credentials", authHint},
	{zk.ErrInvalidACL, exitAuth, "the servers do not take the ACL: it names no identity that " +
		"they know, or auth without credentials", authHint},
	{zk.ErrInvalidPath, exitUsage, "no znode can have that path", ""},
	{zk.ErrInvalidFlags, exitUsage, "no znode can be of that kind", ""},
}

// refused puts into words why an errand failed. A failure stays as it is.
func (e *errand) refused(err error) error {
	var f *failure
	if err == nil || errors.As(err, &f) {
		return err
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return failf(r.code, "%s: %s", e.name, r.text).hinting(r.hint)
		}
	}
	text := plain(err)
	var silent errNoAnswer
	if errors.As(context.Cause(e.ctx), &silent) {
		text = silent.Error()
	}
	if zk.MaybeApplied(err) {
		text += "; a change may have been made"
	}
	return failf(exitConnect, "%s: %s", e.name, text)
}
