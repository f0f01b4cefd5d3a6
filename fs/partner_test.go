package fs

import (
	"strings"
	"testing"
)

// A process that locks a file by flock(2) and by fcntl(2), in whatever order, does not exclude
// itself. Others are excluded until it has given back both.
func TestFlockAndFcntlOfOneProcess(t *testing.T) {
	flock, fcntl := [2]string{"flock 1 ex", "flock 1 un"}, [2]string{"setlk 1 w 0 0", "setlk 1 u 0 0"}
	for name, order := range map[string][2][2]string{"flock first": {flock, fcntl}, "fcntl first": {fcntl, flock}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Options{})
			w.create("/f", "data")
			near, far := newAgent(t, w.dir), w.second()
			for _, a := range []*agent{w.agent, near, far} {
				a.want("ok", "open", "1", "f", "rw")
			}
			first, second := order[0], order[1]
			for _, unlocked := range [][2]string{first, second} {
				w.want("ok", strings.Fields(first[0])...)
				w.want("ok", strings.Fields(second[0])...)
				if n := w.fs.locks.count(); n != 1 {
					t.Errorf("%d contenders hold the lock", n)
				}
				w.want("ok", strings.Fields(unlocked[1])...)
				for _, a := range []*agent{near, far} {
					a.want("EAGAIN", "flock", "1", "sh+nb")
					a.want("EAGAIN", "setlk", "1", "r", "0", "0")
				}
				w.want("ok", strings.Fields(first[1])...)
				w.want("ok", strings.Fields(second[1])...)
				far.want("ok", "flock", "1", "ex+nb")
				far.want("ok", "flock", "1", "un")
			}
			w.want("ok", strings.Fields(first[0])...)
			w.want("ok", strings.Fields(second[0])...)
			w.want("ok", "close", "1")
			far.eventually(w, "ok", "flock", "1", "ex+nb")
		})
	}
}

// A process that shares the lock in one way and wants it alone in the other would wait for itself.
func TestUpgradeInTheOtherWay(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "data")
	w.want("ok", "open", "1", "f", "rw")
	w.want("ok", "flock", "1", "sh")
	w.want("ok", "setlk", "1", "r", "0", "0")
	w.want("EAGAIN", "setlk", "1", "w", "0", "0")
	w.want("EDEADLK", "setlkw", "1", "w")
	w.want("ok", "flock", "1", "un")
	w.want("ok", "setlkw", "1", "w")
	w.want("ok", "flock", "1", "sh")
	w.want("ok", "flock", "1", "ex")
}
