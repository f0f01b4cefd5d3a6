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
	{zk.ErrNodeExists, exitExists, "the znode exists already", ""},
	{zk.ErrBadVersion, exitVersion, "the znode has another version: another client has " +
		"changed it", ""},
	{zk.ErrNotEmpty, exitNotEmpty, "the znode has children", "-r deletes them too"},
	{zk.ErrNoChildrenForEphemerals, exitRefused, "an ephemeral znode can not have children", ""},
	{zk.ErrQuotaExceeded, exitRefused, "a hard quota of a znode above would be exceeded",
		"`zkfs quota get` shows it"},
	{zk.ErrTooLarge, exitRefused, "more data than the servers take in a request " +
		"(jute.maxbuffer)", ""},
	{zk.ErrReplyTooLarge, exitRefused, "the answer is larger than this program takes", ""},
	{zk.ErrUnimplemented, exitRefused, "the servers do not have this operation", ""},
	{zk.ErrNotReadOnly, exitRefused, "the server has lost its quorum and takes no changes", ""},
	{zk.ErrBadArguments, exitRefused, "the servers do not take this request", ""},
	{zk.ErrReconfigDisabled, exitRefused, "reconfiguration is disabled on the servers",
		"reconfigEnabled=true in their configuration"},
	{zk.ErrReconfigInProgress, exitRefused, "another reconfiguration is in progress", ""},
	{zk.ErrNewConfigNoQuorum, exitRefused, "no quorum of the new configuration is connected", ""},
	{zk.ErrInvalidPath, exitUsage, "no znode can have that path", ""},
	{zk.ErrInvalidFlags, exitUsage, "no znode can be of that kind", ""},
}

// refusal puts into words why the servers refuse what was to be done with name. A failure stays as
// it is. It returns nil for an error that is in no row of refusals: no server has answered.
func refusal(name string, err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return failf(r.code, "%s: %s", name, r.text).hinting(r.hint)
		}
	}
	return nil
}

// inDirectory says of a refused create or delete that the ACL above decides.
func inDirectory(name string, err error) error {
	if errors.Is(err, zk.ErrNoAuth) {
		return failf(exitAuth, "%s: the ACL of its directory does not allow it", name).
			hinting(authHint)
	}
	return err
}

// hiddenACL is the failure of a command that is to give a new znode the ACL of the one at above.
func hiddenACL(name, above string) *failure {
	return failf(exitAuth, "%s: the servers do not show the ACL of %s, which the new znode is to "+
		"have", name, above).hinting(authHint)
}

// inWords puts into words why what was to be done with name failed. An error with a failure in it
// stays as it is.
func inWords(name string, err error) error {
	if f := (*failure)(nil); err == nil || errors.As(err, &f) {
		return err
	}
	if f := refusal(name, err); f != nil {
		return f
	}
	return failf(exitConnect, "%s: %s", name, plain(err))
}

// refused puts into words why an errand failed. An error with a failure in it stays as it is.
func (e *errand) refused(err error) error { return e.refusedAt(e.path, err) }

// refusedAt is refused of what was to be done with a znode at or below the path.
func (e *errand) refusedAt(znode string, err error) error {
	name := e.name
	if znode != e.path {
		name = e.shown(znode)
	}
	if cause := context.Cause(e.ctx); err != nil && errors.Is(cause, zk.ErrTooLarge) {
		return inWords(name, cause)
	}
	if f := (*failure)(nil); err == nil || errors.As(err, &f) || refusal(name, err) != nil {
		return inWords(name, err)
	}
	text := plain(err)
	var silent errNoAnswer
	if errors.As(context.Cause(e.ctx), &silent) {
		text = silent.Error()
	}
	if zk.MaybeApplied(err) {
		text += "; a change may have been made"
	}
	return failf(exitConnect, "%s: %s", name, text)
}
