package fs

import (
	"slices"
	"strings"
	"testing"
)

// A znode holds the whole of what a program wrote, or the old, however a write fails and whatever
// the program does about it.
func TestFailedWriteLeavesTheOldOrTheWhole(t *testing.T) {
	t.Parallel()
	const (
		block = 1 << 16
		most  = 3*block + 100
	)
	blocks := func(n int) string { return strings.Repeat("\x00", n*block) }
	fails := map[string]string{ // the calls before, and the one that fails
		"at first":          "fill 1 300000",
		"in the middle":     "fill 1 65536; fill 1 65536; fill 1 65536; fill 1 65536",
		"beyond the middle": "fill 1 65536; seek 1 400000; fill 1 200000",
		"at the end":        "fill 1 65536; fill 1 65536; fill 1 65536; write 1 " + strings.Repeat("x", 101),
	}
	afters := map[string]string{
		"close":                      "close 1",
		"fsync":                      "fsync 1; close 1",
		"writes on":                  "write 1 more; close 1",
		"fsync and writes on":        "fsync 1; write 1 more; close 1",
		"writes behind":              "seek 1 196700; write 1 more; close 1",
		"fsync and writes behind":    "fsync 1; seek 1 196700; write 1 more; close 1",
		"cuts to what is there":      "ftruncate 1 SIZE; close 1",
		"cuts to nothing":            "ftruncate 1 0; close 1",
		"begins anew":                "ftruncate 1 0; seek 1 0; write 1 anew; close 1",
		"fsync, begins anew":         "fsync 1; ftruncate 1 0; seek 1 0; write 1 anew; close 1",
		"another program overwrites": "put f anew; close 1",
	}
	w := newWorld(t, Options{MaxData: most, write: maxWrite})
	for _, flags := range []string{"w+trunc", "rw+trunc", "w+trunc+direct", "rw+trunc+direct", "w+trunc+sync", "w+trunc+direct+sync",
		"w+append", "w+append+direct", "w", "w+direct"} {
		for failing, before := range fails {
			for doing, after := range afters {
				w.do("unlink", "f")
				w.want("ok", "put", "f", "keep")
				w.want("ok", "open", "1", "f", flags)
				calls := strings.Split(before, "; ")
				for i, call := range calls {
					answer := "ok"
					if i == len(calls)-1 {
						answer = "EFBIG"
					}
					w.want(answer, words(call)...)
				}
				size := strings.TrimPrefix(strings.Fields(w.do("fstat", "1"))[1], "size=")
				for call := range strings.SplitSeq(strings.ReplaceAll(after, "SIZE", size), "; ") {
					w.do(words(call)...)
				}
				if got := w.do("stat", "f"); !strings.HasPrefix(got, "ok ") {
					t.Errorf("%s, %s, %s: %s", flags, failing, doing, got)
				}
				data, _, err := w.other.Get("/f")
				if err != nil {
					t.Fatal(err)
				}
				got := string(data)
				whole := []string{"keep", "", "anew", "more"}
				for n := range 4 {
					switch {
					case strings.Contains(flags, "append"):
						whole = append(whole, "keep"+blocks(n), "keep"+blocks(n)+"more")
					case strings.Contains(flags, "sync"):
						whole = append(whole, blocks(n))
						fallthrough
					case doing == "writes on", doing == "cuts to what is there" && !strings.Contains(flags, "direct"):
						whole = append(whole, blocks(n)+"more")
					}
				}
				if ok := slices.Contains(whole, got); !ok {
					if len(got) > 40 {
						got = got[:20] + "..." + got[len(got)-20:]
					}
					t.Errorf("%s, %s, %s: %d bytes, %q", flags, failing, doing, len(data), got)
				}
			}
		}
	}
}

// A program that cuts a file after its direct write failed is served. The kernel takes back what
// such a write left only where the file is read through its cache.
func TestCutAfterAFailedDirectWrite(t *testing.T) {
	for _, flags := range []string{"w+direct", "w+append+direct", "rw+append+direct"} {
		for _, there := range []bool{false, true} {
			w := newWorld(t, Options{MaxData: 1000})
			if there {
				w.want("ok", "put", "f", "")
			}
			w.want("ok", "open", "1", "f", "creat+"+flags)
			w.want("ok", "fill", "1", "999")
			w.want("EFBIG", "write", "1", "xy")
			w.want("ok", "ftruncate", "1", "2")
			w.want("ok", "close", "1")
			w.want(`ok "\x00\x00"`, "cat", "f")
		}
	}
}
