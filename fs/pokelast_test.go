package fs

import (
	"strconv"
	"testing"
)

// Of many changes the last is told, also if they come right after one that was told: a program that
// reads at each event ends with it.
func TestLastOfManyChangesIsTold(t *testing.T) {
	w := newWorld(t, Options{Inotify: InotifyAuto, Poker: startPoker})
	w.create("/f", "0")
	w.want(`ok "0"`, "cat", "f")
	w.want("ok", "watch", "f")
	const rounds, changes = 4, 100
	events := 0
	for round := range rounds {
		last := ""
		for i := range changes {
			last = strconv.Itoa(round*changes + i + 1)
			w.set("/f", last)
		}
		for got := ""; got != `ok "`+last+`"`; events++ {
			w.do("events", "f:CLOSE_WRITE")
			got = w.do("cat", "f")
		}
	}
	if events > rounds*changes/2 {
		t.Errorf("%d changes raised %d events", rounds*changes, events)
	}
}
