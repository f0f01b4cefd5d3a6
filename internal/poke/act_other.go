//go:build !linux

package poke

import "syscall"

// carryOut is a stand-in: only Linux has inotify.
func (m Mount) carryOut(Order) Result { return Result{Errno: syscall.ENOSYS} }
