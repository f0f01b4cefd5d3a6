package fs

import "errors"

// What the servers have not said themselves.
var (
	errUnresolved = errors.New("the connection broke and it cannot be told whether the change was made")
	errPermission = errors.New("the ACL does not allow it")
	errOvertaken  = errors.New("other clients keep changing it")
)
