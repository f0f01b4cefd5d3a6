package fs

import (
	"syscall"
	"testing"
)

func TestStats(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "put", "f", "1")
	w.want(`ok "1"`, "cat", "f")
	w.want("EEXIST", "mkdir", "f")
	w.want("ENOTSUP", "getxattr", "f", "trusted.none")
	w.want("EPERM", "mkfifo", "p")
	w.want("ok", "open", "1", "l.lock", "rw+creat")
	w.want("ok", "flock", "1", "ex")
	s := w.fs.Stats()
	for name, least := range map[string]int64{"CREATE": 1, "OPEN": 1, "LOOKUP": 2, "WRITE": 1, "FLUSH": 1} {
		if s.Operations[name].Count < least {
			t.Errorf("%s: %+v, want %d or more", name, s.Operations[name], least)
		}
	}
	if got := s.Operations["MKNOD"]; got.Count != 1 || got.Errors[syscall.EPERM] != 1 {
		t.Errorf("MKNOD: %+v, want one, with EPERM", got)
	}
	if s.FromServers == 0 || s.FromMemory == 0 || s.CachedZnodes == 0 || s.CachedBytes == 0 {
		t.Errorf("the memory of the mount: %+v", s)
	}
	if s.Watch != WatchTree || s.Events == 0 || s.Locks != 1 || s.FailedCommits != 0 {
		t.Errorf("watches, locks, failures: %+v", s)
	}
	w.want("ok", "close", "1")
}
