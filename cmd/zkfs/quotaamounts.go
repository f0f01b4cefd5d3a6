package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

// noLimit stands for none.
const noLimit = -1

func parseLimit(text string) (int64, error) {
	if text == "none" {
		return noLimit, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return int64(n), err
}

func parseBytesLimit(text string) (int64, error) {
	if n, err := parseLimit(text); err == nil {
		return n, nil
	}
	n, err := parseSize(text)
	return int64(n), err
}

// The znodes in which the servers keep quotas (Quotas.java).
const (
	quotaRoot   = "/zookeeper/quota"
	quotaLimits = "zookeeper_limits"
	quotaStats  = "zookeeper_stats"
)

// amounts are what a znode of a quota holds (StatsTrack.java): limits, or what is there.
type amounts struct {
	count, bytes, hardCount, hardBytes int64
}

// String returns the form that servers of all versions read.
func (a amounts) String() string {
	return fmt.Sprintf("count=%d,bytes=%d=;byteHardLimit=%d;countHardLimit=%d",
		a.count, a.bytes, a.hardBytes, a.hardCount)
}

// parseAmounts reads what servers and clients of all versions write. What is missing is noLimit.
func parseAmounts(text string) amounts {
	a := amounts{noLimit, noLimit, noLimit, noLimit}
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' })
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		n, err := strconv.ParseInt(strings.TrimSuffix(value, "="), 10, 64)
		if to := a.field(name); to != nil && err == nil {
			*to = n
		}
	}
	return a
}

func (a *amounts) field(name string) *int64 {
	switch name {
	case "count":
		return &a.count
	case "bytes":
		return &a.bytes
	case "countHardLimit":
		return &a.hardCount
	case "byteHardLimit":
		return &a.hardBytes
	}
	return nil
}

// change sets the limits that the flags give.
func (a *amounts) change(c *cli.Context) {
	for _, f := range []struct {
		flag  string
		to    *int64
		parse func(string) (int64, error)
	}{
		{"count", &a.count, parseLimit}, {"hard-count", &a.hardCount, parseLimit},
		{"bytes", &a.bytes, parseBytesLimit}, {"hard-bytes", &a.hardBytes, parseBytesLimit},
	} {
		if c.IsSet(f.flag) {
			*f.to, _ = f.parse(c.String(f.flag)) // was checked
		}
	}
}
