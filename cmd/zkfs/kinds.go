package main

import (
	"fmt"
	"maps"
	"math"
	"net"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/fs"
)

// A valued is a flag with a value. The value stays text until a command reads it, so the command
// line, the environment and the file of a context spell it alike.
type valued struct {
	*cli.StringFlag
	kind *kind
}

// A kind is what the values of some flags have in common.
type kind struct {
	name  string   // of a value, in the help
	like  string   // completes "it is"; "" if any text will do
	words []string // values that completion offers
	check func(text string) bool
}

// accepts reports whether text is a value of the kind.
func (k *kind) accepts(text string) bool { return k.check == nil || k.check(text) }

// check returns why text is no value of f, which it has from there.
func check(f cli.Flag, from, text string) error {
	like := ""
	switch f := f.(type) {
	case *valued:
		if f.kind.accepts(text) {
			return nil
		}
		like = f.kind.like
	case *cli.BoolFlag:
		if _, err := strconv.ParseBool(text); err == nil {
			return nil
		}
		like = "true or false"
	default:
		return nil
	}
	return usagef("%s can not be %q", from, text).hinting("it is " + like)
}

var (
	aText = &kind{name: "TEXT"}
	aFile = &kind{name: "FILE"}

	aTime = timeKind(time.Nanosecond, math.MaxInt64, "a time of more than 0, as in 10s, 1m30s, or 90 for seconds")
	aWait = timeKind(0, math.MaxInt64, "a time, as in 10s, 1m30s, or 90 for seconds")
	// The protocol has 31 bits for the milliseconds.
	aSession = timeKind(time.Millisecond, math.MaxInt32*time.Millisecond,
		"a time of at most 24 days, as in 10s, 1m30s, or 90 for seconds")

	// The servers have 40 bits for the milliseconds.
	aTTL = timeKind(time.Millisecond, (1<<40-1)*time.Millisecond,
		"a time from 1ms to 12725 days, as in 10s, 1m30s, or 90 for seconds")

	aVersion = &kind{name: "N", like: "a number such as user.zk.version shows, from 0 on",
		check: func(text string) bool {
			_, err := strconv.ParseUint(text, 10, 31)
			return err == nil
		}}
	aLimit = &kind{name: "LIMIT", like: "a number, as in 1000, or none", words: []string{"none"},
		check: func(text string) bool {
			_, err := parseLimit(text)
			return err == nil
		}}
	aBytesLimit = &kind{name: "LIMIT", like: "a number of bytes, as in 512, 64k or 256M, or none",
		words: []string{"none"},
		check: func(text string) bool {
			_, err := parseBytesLimit(text)
			return err == nil
		}}

	aSize = &kind{name: "BYTES", like: "a number of bytes, as in 512, 64k, 256M or 1.5GiB", check: valid(parseSize)}
	// The length of a packet has 31 bits.
	aDataSize = &kind{name: "BYTES", like: "a number of bytes below 2G, as in 512, 64k or 4MiB",
		check: func(text string) bool {
			n, err := parseSize(text)
			return err == nil && n <= math.MaxInt32-requestRoom
		}}

	aUser  = &kind{name: "USER", like: "the name of a user of this system, or a number", check: valid(parseUser)}
	aGroup = &kind{name: "GROUP", like: "the name of a group of this system, or a number", check: valid(parseGroup)}
	aMask  = &kind{name: "MASK", like: "an octal number such as 022", check: valid(parseMask)}

	anAddress = &kind{name: "ADDRESS", like: "an address with a port, as in localhost:9141", check: isAddress}
	aSuffix   = &kind{name: "SUFFIX", like: "the end of a file's name, as in .lock", check: isSuffix}
	anACL     = &kind{
		name:  "ACL",
		like:  "inherit, open, creator, or a list as in world:anyone:r,digest:USER:HASH:cdrwa",
		words: []string{"inherit", "open", "creator"},
		check: func(text string) bool {
			mode, list, err := fs.ParseACL(text)
			return err == nil && (mode != fs.ACLList || checkGrants(list) == nil)
		},
	}
)

// oneOf is the kind of a flag that accepts words, each of which stands for a value.
func oneOf[T any](values map[string]T) *kind {
	words := slices.Sorted(maps.Keys(values))
	return &kind{
		name:  "WORD",
		like:  "one of: " + strings.Join(words, ", "),
		words: words,
		check: func(text string) bool { return slices.Contains(words, text) },
	}
}

func timeKind(least, most time.Duration, like string) *kind {
	return &kind{name: "TIME", like: like, check: func(text string) bool {
		d, err := parseTime(text)
		return err == nil && d >= least && d <= most
	}}
}

func valid[T any](parse func(string) (T, error)) func(string) bool {
	return func(text string) bool {
		_, err := parse(text)
		return err == nil
	}
}

// parseTime reads a time as Go or as flock(1) writes it, which is in seconds.
func parseTime(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		text = strconv.FormatFloat(seconds, 'f', -1, 64) + "s"
	}
	return time.ParseDuration(text)
}

// parseSize reads a number of bytes, which may end in one of the letters KMGT, in upper or lower
// case, for a power of 1024, and in B or iB.
func parseSize(text string) (int, error) {
	number := strings.ToUpper(strings.ReplaceAll(text, " ", ""))
	number = strings.TrimSuffix(strings.TrimSuffix(number, "B"), "I")
	unit := 1.0
	if i := len(number) - 1; i > 0 {
		if at := strings.IndexByte("KMGT", number[i]); at >= 0 {
			number, unit = number[:i], math.Pow(1024, float64(at+1))
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	if n *= unit; err != nil || !(n >= 1 && n < math.MaxInt) {
		return 0, fmt.Errorf("%q is no size", text)
	}
	return int(n), nil
}

// parseUser reads the name of a user, or its number.
func parseUser(text string) (uint32, error) {
	if u, err := user.Lookup(text); err == nil {
		text = u.Uid
	}
	return parseID(text)
}

// parseGroup reads the name of a group, or its number.
func parseGroup(text string) (uint32, error) {
	if g, err := user.LookupGroup(text); err == nil {
		text = g.Gid
	}
	return parseID(text)
}

// parseID reads the number of a user or a group. The largest number stands for none (chown(2)).
func parseID(text string) (uint32, error) {
	id, err := strconv.ParseUint(text, 10, 32)
	if err == nil && id == math.MaxUint32 {
		err = fmt.Errorf("%s is no user and no group", text)
	}
	return uint32(id), err
}

// parseMask reads an octal number.
func parseMask(text string) (uint32, error) {
	mask, err := strconv.ParseUint(text, 8, 32)
	if err == nil && mask > 0o777 {
		err = fmt.Errorf("%q has more than permission bits", text)
	}
	return uint32(mask), err
}

// isAddress accepts an empty text too, for none.
func isAddress(text string) bool {
	if text == "" {
		return true
	}
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

func isSuffix(text string) bool { return !strings.ContainsAny(text, "/\x00") }

// timeOf returns the value of a flag whose kind is a time, 0 if the command has no such flag.
func timeOf(c *cli.Context, flag string) time.Duration {
	d, _ := parseTime(c.String(flag)) // was checked
	return d
}
