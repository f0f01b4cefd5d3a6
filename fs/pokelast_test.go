package fs

import (
	"strconv"
	"testing"
)

// Of many changes the last is told: a program that reads at each event ends with it.
func TestLastOfManyChangesIsTold(t *testing.T) {
	w := newWorld(t, Options{Inotify: InotifyAuto, Poker: startPoker})
	w.create("/f", "0")
	w.want(`ok "0"`, "cat", "f")
	w.want("ok", "watch", "f")
	const last = 2000
	set := make(chan error, 1)
	go func() { // ends with the last, or with the client
		for i := range last {
			if _, err := w.other.Set("/f", []byte(strconv.Itoa(i+1)), -1); err != nil {
				set <- err
				return
			}
		}
		set <- nil
	}()
	events := 0
	for got := ""; got != `ok "`+strconv.Itoa(last)+`"`; events++ {
		w.do("events", "f:CLOSE_WRITE")
		got = w.do("cat", "f")
	}
	if err := <-set; err != nil || events > last/2 {
		t.Errorf("%d changes raised %d events: %v", last, events, err)
	}
}
