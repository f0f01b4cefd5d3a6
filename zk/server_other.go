//go:build !linux

package zk

import "syscall"

// dieWithParent has no counterpart on this system: a child lives until it is stopped.
func dieWithParent() *syscall.SysProcAttr { return nil }
