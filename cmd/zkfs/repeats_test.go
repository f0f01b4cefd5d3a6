package main

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Lines that repeat are written once a minute with their number, also when several take turns; what
// differs in an attribute is another line.
func TestLinesThatRepeatAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		opts := &slog.HandlerOptions{ReplaceAttr: logSettings{}.withoutTimeAndLevel}
		log := slog.New(newRepeatHandler(slog.NewTextHandler(&text, opts)))
		for range 70 {
			for server := range 3 {
				log.Info(fmt.Sprintf("zk%d refuses", server))
			}
			time.Sleep(900 * time.Millisecond)
		}
		log.Warn("lost", "path", "/a")
		log.Warn("lost", "path", "/b")
		log.With("mount", "/m").Warn("lost", "path", "/a")
		time.Sleep(time.Hour)
		synctest.Wait()
		for range 3 {
			log.Info("last")
		}
		flushRepeats(log.With("mount", "/m"))
		flushRepeats(log)
		time.Sleep(time.Hour)
		got := map[string]int{}
		for line := range strings.Lines(text.String()) {
			got[strings.TrimSpace(line)]++
		}
		want := map[string]int{
			`msg="zk0 refuses"`: 2, `msg="zk1 refuses"`: 2, `msg="zk2 refuses"`: 2,
			"msg=last": 1, "msg=last repeated=2": 1,
			"msg=lost path=/a": 1, "msg=lost path=/b": 1, "msg=lost path=/a repeated=1": 1,
			`msg="zk0 refuses" repeated=66`: 1, `msg="zk1 refuses" repeated=66`: 1, `msg="zk2 refuses" repeated=66`: 1,
			`msg="zk0 refuses" repeated=2`: 1, `msg="zk1 refuses" repeated=2`: 1, `msg="zk2 refuses" repeated=2`: 1,
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("lines are\n%v\nwant\n%v", got, want)
		}
	})
}
