package fs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
	"github.com/zkfs/zkfs/zk"
)

// String describes a draft: what it means, what it would send, from where on that was appended, and
// what keeps it from being sent.
func (d *draft) String() string {
	words := []string{[]string{"modify", "replace", "append"}[d.intent], strconv.Quote(string(d.data))}
	if d.intent == intentAppend {
		words = append(words, fmt.Sprint("from ", d.tail))
	}
	if !d.exists() {
		words = append(words, "creates")
	}
	if !d.wrote {
		words = append(words, "unwritten")
	}
	if d.refused != nil {
		words = append(words, fmt.Sprint("lacks ", d.missing))
	}
	return strings.Join(words, " ")
}

const draftLimit = 10 // bytes

// do makes one step of a test: a word, a place or a number, and data.
func (d *draft) do(step string) error {
	word, rest, _ := strings.Cut(step, " ")
	place, data, _ := strings.Cut(rest, " ")
	off, _ := strconv.Atoi(place)
	switch word {
	case "write", "overwrite": // OFFSET DATA, the second through a handle that was read
		err := d.write([]byte(data), int64(off), draftLimit)
		if err == nil {
			d.through(word == "overwrite", false)
		}
		return err
	case "append": // DATA
		err := d.write([]byte(place), int64(len(d.data)), draftLimit)
		if err == nil {
			d.through(false, true)
		}
		return err
	case "truncate":
		d.truncate(off)
	case "empty":
		d.empty()
	case "refuse":
		d.refuse(int64(off), errno.ErrTooLarge)
	case "rebase": // DATA
		d.rebase(ensemble.Snapshot{Stat: &zk.Stat{}, Data: []byte(place), HasData: true})
	case "recreate":
		d.rebase(ensemble.Snapshot{})
	default:
		panic(step)
	}
	return nil
}

func TestDraft(t *testing.T) {
	for _, test := range []struct {
		intent      intent
		base, steps string // a base of - is none
		want        string
	}{
		{intentModify, "abc", "", `modify "abc" unwritten`},
		{intentReplace, "", "", `replace "" unwritten`},
		{intentAppend, "abc", "", `append "abc" from 3 unwritten`},
		{intentReplace, "-", "", `replace "" creates unwritten`},

		// What is written stands where it was written, behind zeros if need be.
		{intentModify, "abc", "write 1 X", `modify "aXc"`},
		{intentModify, "abc", "write 2 XYZ", `modify "abXYZ"`},
		{intentModify, "abc", "write 5 X", `modify "abc\x00\x00X"`},
		{intentModify, "abcdef", "truncate 2; write 4 X", `modify "ab\x00\x00X"`},
		{intentModify, "abc", "truncate 5", `modify "abc\x00\x00"`},
		{intentModify, "abc", "truncate 3", `modify "abc"`},
		{intentModify, "abc", "empty", `replace "" unwritten`},
		{intentModify, "abc", "write 0 X; empty; write 0 Y", `replace "Y"`},
		{intentModify, "abc", "write 10 X", `modify "abc" unwritten`},
		{intentModify, "abc", "write 9 X", `modify "abc\x00\x00\x00\x00\x00\x00X"`},

		// What it means follows from how all of it was written.
		{intentReplace, "", "write 0 X; write 1 Y", `replace "XY"`},
		{intentReplace, "", "write 0 X; overwrite 1 Y", `modify "XY"`},
		{intentReplace, "", "append X", `replace "X"`},
		{intentAppend, "abc", "append X; append Y", `append "abcXY" from 3`},
		{intentAppend, "abc", "append X; write 0 Y", `modify "YbcX"`},
		{intentAppend, "abc", "append X; truncate 4; append Y", `append "abcXY" from 3`},
		{intentAppend, "abc", "append X; truncate 3", `append "abc" from 3`},
		{intentAppend, "abc", "append X; truncate 2", `modify "ab"`},
		{intentModify, "abc", "overwrite 10 X", `modify "abc" unwritten`},
		{intentReplace, "", "overwrite 10 X", `replace "" unwritten`},

		// What was appended stands behind what another client wrote; the rest is as it was.
		{intentAppend, "abc", "append X; rebase abcdef", `append "abcdefX" from 6`},
		{intentAppend, "abc", "append X; rebase d; append Y; rebase ef", `append "efXY" from 2`},
		{intentAppend, "abc", "append X; recreate", `append "X" from 0 creates`},
		{intentAppend, "-", "append X; rebase abc", `append "abcX" from 3`},
		{intentReplace, "abc", "write 0 XY; rebase abcdef", `replace "XYc"`},
		{intentReplace, "-", "write 0 XY; rebase abc", `replace "XY"`},
		{intentReplace, "abc", "empty; write 0 X; recreate", `replace "X" creates`},

		// A part is not sent. What makes good for it is a write there, or a cut before it.
		{intentModify, "", "write 0 abc; refuse 3", `modify "abc" lacks 3`},
		{intentModify, "", "write 0 abc; refuse 3; write 0 X", `modify "Xbc" lacks 3`},
		{intentModify, "", "write 0 abc; refuse 3; write 4 X", `modify "abc\x00X" lacks 3`},
		{intentModify, "", "write 0 abc; refuse 3; write 3 X", `modify "abcX"`},
		{intentModify, "", "write 0 abc; refuse 3; write 1 XYZ", `modify "aXYZ"`},
		{intentModify, "", "refuse 7; write 0 abc; refuse 3; refuse 5", `modify "abc" lacks 3`},
		{intentModify, "", "write 0 abc; refuse 3; truncate 3", `modify "abc" lacks 3`},
		{intentModify, "", "write 0 abc; refuse 3; truncate 2", `modify "ab"`},
		{intentModify, "", "write 0 abc; refuse 1; truncate 2", `modify "ab" lacks 1`},
		{intentModify, "", "refuse 0; truncate 0", `modify "" lacks 0`},
		{intentModify, "a", "refuse 0; truncate 0", `modify ""`},
		{intentModify, "", "write 0 abc; refuse 3; empty", `replace ""`},
		{intentAppend, "abc", "append X; refuse 4; rebase abcdef", `append "abcdefX" from 6 lacks 4`},
	} {
		s := ensemble.Snapshot{Stat: &zk.Stat{}, Data: []byte(test.base)}
		if test.base == "-" {
			s = ensemble.Snapshot{}
		}
		d := newDraft(s, test.intent)
		for step := range strings.SplitSeq(test.steps, "; ") {
			if step == "" {
				continue
			}
			before := len(d.data)
			err := d.do(step)
			if err != nil && (!errors.Is(err, errno.ErrTooLarge) || len(d.data) != before) {
				t.Errorf("%q: %v with %d bytes in place of %d", step, err, len(d.data), before)
			}
		}
		if got := d.String(); got != test.want {
			t.Errorf("%d on %q, %s: %s, want %s", test.intent, test.base, test.steps, got, test.want)
		}
		if string(s.Data) != test.base && test.base != "-" {
			t.Errorf("%s changes the version that it is based on to %q", test.steps, s.Data)
		}
	}
}

// What is sent does not change with what is written while it is on its way.
func TestDraftKeepsWhatItGaveAway(t *testing.T) {
	d := newDraft(ensemble.Snapshot{Stat: &zk.Stat{}, Data: []byte("abc")}, intentAppend)
	for range 2 {
		if err := d.do("append X"); err != nil {
			t.Fatal(err)
		}
		sent := d.data
		before := string(sent)
		d.rebase(ensemble.Snapshot{Stat: &zk.Stat{}, Data: []byte("other")})
		if err := d.do("append Y"); err != nil {
			t.Fatal(err)
		}
		if string(sent) != before {
			t.Errorf("%q became %q", before, sent)
		}
	}
}
