package fs

import (
	"context"
	"os/exec"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Where no poker can run, two are started for the first change, and none for the next.
func TestPokersThatCannotRun(t *testing.T) {
	var starts atomic.Int32
	w := newWorld(t, Options{Inotify: InotifyOn, Poker: func() *exec.Cmd {
		starts.Add(1)
		return exec.Command("false")
	}})
	p := w.fs.pokes
	p.pause = time.Hour
	w.create("/f", "")
	await(t, "the first failure", func() bool { return w.fs.Stats().InotifyFailed > 0 })
	w.create("/g", "")
	p.stop()
	<-p.done
	if n := starts.Load(); n != 2 || time.Until(p.restart) < time.Minute/2 {
		t.Errorf("%d pokers were started, and the next is due in %v", n, time.Until(p.restart))
	}
}

// A second poker follows the first at once, and each further one waits for twice as long as the one
// before, up to a minute.
func TestRestBeforeTheNextPoker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pokes{pause: time.Second}
		for _, want := range []time.Duration{0, 1, 2, 4, 8, 16, 32, 60, 60} {
			p.failedPoker()
			before := time.Now()
			if err := p.rest(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(before); got != want*time.Second {
				t.Errorf("the next poker follows after %v, want %ds", got, want)
			}
		}
		p.failedPoker()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.rest(ctx); err == nil {
			t.Error("the end of the mount waits for the next poker")
		}
	})
}
