package calls

import "golang.org/x/sys/unix"

// leads reports whether a thread certainly is the first of its process, whose number it then has.
// It is asked for with no signal at all, which costs one system call.
func leads(thread uint32) bool {
	err := unix.Tgkill(int(thread), int(thread), 0)
	return err == nil || err == unix.EPERM
}
