package fs

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// A user that may read a file and not write it does not make the znodes of a lock, by whatever
// call.
func TestLocksOfReaders(t *testing.T) {
	const owner = stranger - 1
	if os.Geteuid() != 0 {
		t.Fatal("only root can become another user")
	}
	w := newWorld(t, Options{})
	w.create("/f", "data")
	w.create("/x.lock", "data")
	dir := t.TempDir()
	w.mount(dir, Options{AllowOther: true, UID: owner, GID: owner, Umask: 0o022})
	for _, test := range []struct {
		uid  int
		want string
	}{{0, "ok"}, {owner, "ok"}, {stranger, "EACCES"}} {
		t.Run(strconv.Itoa(test.uid), func(t *testing.T) {
			a := newAgent(t, dir)
			a.want("ok", "setuid", strconv.Itoa(test.uid))
			for _, path := range []string{"f", "x.lock"} {
				a.want("ok", "open", path, path, "r")
				for _, how := range []string{"ex", "sh", "ex+nb", "sh+nb"} {
					a.want(test.want, "flock", path, how)
					a.want("ok", "flock", path, "un")
				}
				a.want(test.want, "setlk", path, "r", "0", "0")
				a.want("ok", "setlk", path, "u", "0", "0")
				if test.want != "ok" {
					w.missing("/f.lock")
				}
				a.want("ok", "close", path)
			}
			for patience := time.Now().Add(hang); ; { // idle, it is no name on a mount
				exists, _, err := w.other.Exists("/f.lock")
				if err != nil || time.Now().After(patience) {
					t.Fatalf("the idle lock stays, error %v", err)
				}
				if !exists {
					break
				}
			}
		})
	}
}
