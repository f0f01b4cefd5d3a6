package flw

import (
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
	"time"
)

// lines yields the lines of a reply without their ends.
func lines(reply string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(reply) {
			if !yield(strings.TrimRight(line, "\r\n")) {
				return
			}
		}
	}
}

// notA says that nothing in a reply belongs to the word.
func notA(word, reply string) error {
	if reply == "" {
		return ErrNoReply
	}
	return fmt.Errorf("%w: not a reply to %s: %.80q", ErrMalformed, word, reply)
}

// numbers turns the pieces of a reply into values. A piece that is none becomes 0, and the first
// of them is kept as the error.
type numbers struct {
	err error
}

func (n *numbers) fail(name, text string) {
	if n.err == nil {
		n.err = fmt.Errorf("%w: %s: not a number: %.40q", ErrMalformed, name, text)
	}
}

func (n *numbers) int(name, text string) int64 {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		n.fail(name, text)
		return 0
	}
	return v
}

// hex reads what Java's Long.toHexString prints, with or without 0x: the top bit is the sign.
func (n *numbers) hex(name, text string) int64 {
	v, err := strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, 64)
	if err != nil {
		n.fail(name, text)
		return 0
	}
	return int64(v)
}

func (n *numbers) float(name, text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		n.fail(name, text)
		return 0
	}
	return v
}

// milliseconds reads a duration; Java keeps the ones that servers print in 32 bits.
func (n *numbers) milliseconds(name, text string) time.Duration {
	v, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		n.fail(name, text)
		return 0
	}
	return time.Duration(v) * time.Millisecond
}

// pairs reads lines of a name, a separator and a value; other lines are left out.
// A value may contain the separator.
func pairs(reply, separator string) map[string]string {
	m := make(map[string]string)
	for line := range lines(reply) {
		if name, value, ok := strings.Cut(line, separator); ok && name != "" {
			m[name] = value
		}
	}
	return m
}

// date reads a time in one of the layouts, which end in or contain the abbreviation of a zone. Only UTC and GMT say
// which offset they stand for; any other zone makes the result zero, as does any other text.
func date(text string, layouts ...string) time.Time {
	for _, layout := range layouts {
		t, err := time.ParseInLocation(layout, text, time.UTC)
		if err != nil {
			continue
		}
		if zone, _ := t.Zone(); zone == "UTC" || zone == "GMT" {
			return t.UTC()
		}
	}
	return time.Time{}
}
