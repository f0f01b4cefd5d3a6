package fs

import (
	"testing"

	"github.com/zkfs/zkfs/zk/zktest"
)

// A quota that is used up is an error of open, where programs look at it, and nothing is sent to
// find that out where no limit is.
func TestQuotaIsAnErrorOfOpen(t *testing.T) {
	w := newWorld(t, Options{})
	for _, path := range []string{"/full", "/full/d", "/soft", "/free", "/zookeeper/quota/full", "/zookeeper/quota/soft"} {
		w.create(path, "")
	}
	w.create("/zookeeper/quota/full/zookeeper_limits", "count=-1,bytes=-1=;byteHardLimit=20;countHardLimit=-1")
	w.create("/zookeeper/quota/soft/zookeeper_limits", "count=3,bytes=-1=;byteHardLimit=-1;countHardLimit=-1")
	s := w.spyOn()
	for _, file := range []string{"soft/f", "free/f", "full/f", "full/d/f", "full/d/.data"} {
		w.want("ok", "put", file, "x")
		w.want("ok", "unlink", file)
	}
	s.take(true)
	w.want("ok", "open", "1", "soft/f", "w+creat")
	w.want("ok", "open", "2", "free/f", "w+creat")
	if asked := s.take(true); len(asked) != 0 {
		t.Errorf("the servers are asked for %q", asked)
	}
	w.server.OnRequest(func(r zktest.Request) zktest.Fault {
		if r.Op == "multi" && r.SessionID == w.fs.ensemble.SessionID() {
			return zktest.Fault{Code: -125}
		}
		return zktest.Fault{}
	})
	for _, file := range []string{"full/f", "full/d/f", "full/d/.data"} {
		w.want("EDQUOT", "open", "3", file, "w+creat+trunc")
		w.want("ENOENT", "stat", file)
	}
	w.server.OnRequest(nil)
	if n := w.fs.Stats().FailedCommits; n != 0 {
		t.Errorf("%d failed commits", n)
	}
}
