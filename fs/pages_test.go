package fs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/orders"
)

// What reads the pages of an open file without asking for its size follows the changes of others:
// whole versions, one after the other, whether they are shorter or longer, by an event or after
// --max-age.
func TestPagesFollow(t *testing.T) {
	t.Parallel()
	for _, mode := range []WatchMode{WatchTree, WatchNode, WatchOff} {
		for _, call := range []string{"sendfile", "splice", "mapped"} {
			for _, flags := range []string{"r", "rw", "r+direct"} {
				t.Run(fmt.Sprint(mode, " ", call, " ", flags), func(t *testing.T) {
					o := Options{Watch: mode, write: maxWrite, MaxAge: time.Hour} // an event must do
					if mode == WatchOff {
						o.MaxAge = 20 * time.Millisecond
					}
					w := newWorld(t, o)
					sizes := []int{5, 5, 3, 7, 100, 1}
					if call != "mapped" { // a process that reads a page behind the end is killed
						sizes = append(sizes, 5000, 4096, 100_000, oneRead, oneRead+1, 300_000, 200_000, 10)
					}
					w.pagesFollow(sizes, call, flags)
				})
			}
		}
	}
}

// The replies to READs that are in flight together come in any order. A short version ends where it
// ends all the same, at the next call at the latest, and not when --max-age is over.
func TestPagesOfAShorterVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{write: maxWrite, MaxAge: time.Hour})
	var sizes []int
	for range 50 {
		sizes = append(sizes, 300_000, 200_000)
	}
	w.pagesFollow(sizes, "sendfile", "r")
}

func (w *world) pagesFollow(sizes []int, call, flags string) {
	w.t.Helper()
	answer := func(i int) string {
		data := text(sizes[i], string(rune('a'+i)))
		if call == "mapped" {
			data += strings.Repeat("\x00", 4096-len(data)) // the rest of the page
		}
		return "ok " + orders.RunLengths([]byte(data))
	}
	w.create("/d", "")
	w.create("/d/f", text(sizes[0], "a"))
	w.want("ok", "open", "1", "d/f", flags)
	length := func(sizes ...int) string {
		if n := slices.Max(sizes); n > 1<<16 {
			return "400000" // by many calls
		}
		return "65536"
	}
	if call == "mapped" {
		w.want("ok", "map", "1", "4096")
		length = func(...int) string { return "4096" }
	}
	w.want(answer(0), call, "1", "0", length(sizes[0]))
	for i := 1; i < len(sizes); i++ {
		w.set("/d/f", text(sizes[i], string(rune('a'+i))))
		n := length(sizes[i], sizes[i-1])
		if w.fs.o.Watch == WatchOff {
			w.eventually(answer(i), call, "1", "0", n)
		} else {
			w.quiet() // the kernel has dropped its pages
			if sizes[i] > sizes[i-1] {
				w.do(call, "1", "0", n)
				w.quiet() // and has what is longer
			}
			if n == "400000" { // a second invalidation can come between two calls
				w.eventually(answer(i), call, "1", "0", n)
			} else {
				w.want(answer(i), call, "1", "0", n)
			}
		}
		w.want(fmt.Sprintf("ok size=%d nlink=1", sizes[i]), "fstat", "1")
	}
}

// What is written through another handle is not lost by it.
func TestPagesFollowBesideAWriter(t *testing.T) {
	w := newWorld(t, Options{})
	writer := newAgent(t, w.dir)
	w.create("/f", "a")
	w.want("ok", "open", "1", "f", "r")
	w.want("ok 1*a", "sendfile", "1", "0", "100")
	writer.want("ok", "open", "1", "f", "w+append")
	w.set("/f", "bb")
	w.eventually("ok 2*b", "sendfile", "1", "0", "100")
	writer.want("ok", "write", "1", "cc")
	w.eventually("ok 2*b 2*c", "sendfile", "1", "0", "100")
	w.set("/f", "dddddd")
	writer.want("ok", "close", "1")
	w.eventually("ok 6*d 2*c", "sendfile", "1", "0", "100")
	w.holds("/f", "ddddddcc", 3)
}
