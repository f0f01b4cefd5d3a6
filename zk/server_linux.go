package zk

import "syscall"

// dieWithParent makes the kernel kill a child when its parent ends, however that happens.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
