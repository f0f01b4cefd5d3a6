package flw

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// recorded returns a reply of testdata: see testdata/README.md.
func recorded(t testing.TB, word, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", word, name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// all returns the recorded replies to some words.
func all(t testing.TB, words ...string) map[string]string {
	t.Helper()
	replies := make(map[string]string)
	for _, word := range words {
		files, err := filepath.Glob(filepath.Join("testdata", word, "*.txt"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no recorded reply to %s (%v)", word, err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".txt")
			replies[word+" "+name] = recorded(t, word, name)
		}
	}
	return replies
}

// fuzz starts from the recorded replies, a broken one of each, and what servers say instead.
func fuzz(f *testing.F, words []string, parse func(t *testing.T, reply string)) {
	for _, reply := range all(f, words...) {
		f.Add(reply)
		f.Add(reply[:len(reply)*2/3])
	}
	f.Add("")
	f.Add("\n")
	f.Add(notServing)
	f.Fuzz(func(t *testing.T, reply string) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		parse(t, reply)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > uint64(maxAmplification*len(reply)+256<<10) {
			t.Errorf("%d bytes allocated for %d", got, len(reply))
		}
	})
}

// maxAmplification is how many bytes the check of a parser may allocate for each byte of a reply.
const maxAmplification = 256

func utc(year int, month time.Month, day, hour, minute, second int) time.Time {
	return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
}

// sid is a session id as servers print it: the top bit is the sign.
func sid(id uint64) int64 { return int64(id) }
