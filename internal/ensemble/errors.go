package ensemble

import "errors"

// What the servers have not said themselves.
var (
	// ErrUnresolved is the answer to a change whose reply was lost, if nothing proves what became
	// of it.
	ErrUnresolved = errors.New(
		"the connection broke and it cannot be told whether the change was made")
	// ErrPermission is the answer to what an ACL certainly denies to this session.
	ErrPermission = errors.New("the ACL does not allow it")
	// ErrOvertaken is the answer to a change that was prepared as often as LookAgain does.
	ErrOvertaken = errors.New("other clients keep changing it")
)
