package fs

import (
	"strconv"
	"testing"
)

// What happens while the connection is away is told when it is back.
func TestChangesWhileAwayAreTold(t *testing.T) {
	w := newWorld(t, Options{Inotify: InotifyOn, Poker: startPoker})
	w.create("/d", "")
	w.create("/d/f", "one")
	w.want(`ok "one"`, "cat", "d/f")
	w.want("ok", "watch", "d")
	for i := range 3 {
		name := "new" + strconv.Itoa(i)
		w.server.Disconnect()
		w.set("/d/f", "two")
		w.create("/d/"+name, "x")
		w.do("events", "d:CREATE "+name)
		w.server.Disconnect()
		w.set("/d/f", "three")
		w.do("events", "d:CLOSE_WRITE f")
		w.want(`ok "three"`, "cat", "d/f")
	}
}

// Where each znode has a watch of its own, that of what a program watches stands again after its
// event, whether or not the program asks.
func TestWatchedFilesKeepTheirWatch(t *testing.T) {
	w := newWorld(t, Options{Inotify: InotifyOn, Poker: startPoker, Watch: WatchNode})
	w.create("/d", "")
	w.create("/d/f", "one")
	w.want("ok", "watch", "d")
	w.eventually("ok f", "ls", "d")
	w.want(`ok "one"`, "cat", "d/f")
	for range 3 {
		w.set("/d/f", "two")
		w.do("events", "d:CLOSE_WRITE f")
	}
	for _, name := range []string{"a", "b"} {
		w.create("/d/"+name, "x")
		w.do("events", "d:CREATE "+name)
	}
	w.remove("/d/f")
	w.do("events", "d:DELETE f")
}
