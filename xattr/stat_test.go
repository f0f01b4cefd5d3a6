package xattr

import (
	"math"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

var example = zk.Stat{
	Czxid: 0x200000002, Mzxid: 0x300000003, Ctime: 1707771543120, Mtime: 1707771600000, Version: 4, Cversion: -5, Aversion: 6,
	EphemeralOwner: math.MinInt64 | 0x4800001203120001, DataLength: 8, NumChildren: 9, Pzxid: 0xa,
}

const exampleText = "czxid=0x200000002 mzxid=0x300000003 ctime=2024-02-12T20:59:03.120Z mtime=2024-02-12T21:00:00.000Z" +
	" version=4 cversion=-5 aversion=6 ephemeralOwner=0xc800001203120001 dataLength=8 numChildren=9 pzxid=0xa"

func TestStatText(t *testing.T) {
	if got := FormatStat(&example); got != exampleText {
		t.Errorf("got %s\nwant %s", got, exampleText)
	}
	if got, err := ParseStat(exampleText); err != nil || got != example {
		t.Errorf("got %+v, %v; want %+v", got, err, example)
	}
}

// A time that four digits for the year cannot say stays a number.
func TestStatTimesOutsideOfRFC3339(t *testing.T) {
	for ms, want := range map[int64]string{
		0:               "ctime=1970-01-01T00:00:00.000Z",
		-1:              "ctime=1969-12-31T23:59:59.999Z",
		253402300799999: "ctime=9999-12-31T23:59:59.999Z",
		253402300800000: "ctime=253402300800000",
		-62167219200001: "ctime=-62167219200001",
		math.MaxInt64:   "ctime=9223372036854775807",
		math.MinInt64:   "ctime=-9223372036854775808",
	} {
		text := FormatStat(&zk.Stat{Ctime: ms})
		if !strings.Contains(text, " "+want+" ") {
			t.Errorf("%d: got %s; want %s", ms, text, want)
		}
		if got, err := ParseStat(text); err != nil || got.Ctime != ms {
			t.Errorf("%d: became %d, %v", ms, got.Ctime, err)
		}
	}
}

func TestParseStatTakesAnyOrder(t *testing.T) {
	words := strings.Fields(exampleText)
	words[0], words[10] = words[10], words[0]
	if got, err := ParseStat("  " + strings.Join(words, "\n") + "\n"); err != nil || got != example {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestParseStatErrors(t *testing.T) {
	replace := func(old, new string) string { return strings.Replace(exampleText, old, new, 1) }
	for text, want := range map[string]string{
		"":                                         "the stat lacks czxid",
		replace(" version=4", ""):                  "the stat lacks version",
		exampleText + " version=4":                 "the stat has version twice",
		exampleText + " color=red":                 `"color=red" is no field of a stat`,
		replace("pzxid=0xa", "pzxid=10"):           "pzxid=10: write a hexadecimal number",
		replace("pzxid=0xa", "pzxid"):              "pzxid=: write a hexadecimal number",
		replace("0xc800001203120001", "0x-1"):      "ephemeralOwner=0x-1: write a hexadecimal number",
		replace("version=4", "version=3000000000"): "version=3000000000: write a decimal number of 32 bits",
		replace("2024-02-12T20", "2024-13-12T20"):  "ctime=2024-13-12T20:59:03.120Z: write a time",
	} {
		got, err := ParseStat(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v, %v; want an error with %q", text, got, err, want)
		}
	}
}

// What is read is printed so that it is read again as the same.
func FuzzParseStat(f *testing.F) {
	f.Add(exampleText)
	f.Add(FormatStat(&zk.Stat{Ctime: math.MinInt64, Mtime: math.MaxInt64}))
	f.Add("czxid=0x1 czxid=0x1")
	f.Fuzz(func(t *testing.T, text string) {
		var stat zk.Stat
		var err error
		frugal(t, text, func() { stat, err = ParseStat(text) })
		if err != nil {
			return
		}
		if again, err := ParseStat(FormatStat(&stat)); err != nil || again != stat {
			t.Errorf("%q: %+v became %+v, %v", text, stat, again, err)
		}
	})
}

// Every Stat that a server can send is printed so that it is read as the same.
func FuzzFormatStat(f *testing.F) {
	f.Add(int64(2), int64(1707771543120), int32(-1))
	f.Fuzz(func(t *testing.T, long, time int64, count int32) {
		stat := zk.Stat{
			Czxid: long, Mzxid: ^long, Ctime: time, Mtime: -time, Version: count, Cversion: ^count, Aversion: count >> 1,
			EphemeralOwner: long << 1, DataLength: count, NumChildren: count, Pzxid: long >> 1,
		}
		if again, err := ParseStat(FormatStat(&stat)); err != nil || again != stat {
			t.Errorf("%+v became %+v, %v", stat, again, err)
		}
	})
}
