package xattr

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// field is a field of Stat under Java's name, printed and parsed.
type field struct {
	name  string
	print func(*zk.Stat) string
	parse func(*zk.Stat, string) error
}

// In the order of ZooKeeper's own record (org.apache.zookeeper.data.Stat).
var fields = []field{
	hexField("czxid", func(s *zk.Stat) *int64 { return &s.Czxid }),
	hexField("mzxid", func(s *zk.Stat) *int64 { return &s.Mzxid }),
	timeField("ctime", func(s *zk.Stat) *int64 { return &s.Ctime }),
	timeField("mtime", func(s *zk.Stat) *int64 { return &s.Mtime }),
	countField("version", func(s *zk.Stat) *int32 { return &s.Version }),
	countField("cversion", func(s *zk.Stat) *int32 { return &s.Cversion }),
	countField("aversion", func(s *zk.Stat) *int32 { return &s.Aversion }),
	hexField("ephemeralOwner", func(s *zk.Stat) *int64 { return &s.EphemeralOwner }),
	countField("dataLength", func(s *zk.Stat) *int32 { return &s.DataLength }),
	countField("numChildren", func(s *zk.Stat) *int32 { return &s.NumChildren }),
	hexField("pzxid", func(s *zk.Stat) *int64 { return &s.Pzxid }),
}

// fieldAttributes are the attributes that show one field each.
func fieldAttributes() []Attribute {
	rows := make([]Attribute, len(fields))
	for i, f := range fields {
		rows[i] = Attribute{Name: "user.zk." + f.name, text: func(s Source) (string, error) {
			stat, err := s.Stat()
			if err != nil {
				return "", err
			}
			return f.print(stat), nil
		}}
	}
	return rows
}

func statText(s Source) (string, error) {
	stat, err := s.Stat()
	if err != nil {
		return "", err
	}
	return FormatStat(stat), nil
}

// FormatStat prints all fields of a Stat on one line:
//
//	czxid=0x2 mzxid=0x3 ctime=2024-02-12T20:59:03.120Z mtime=2024-02-12T21:00:00.000Z version=1 cversion=0
//	aversion=0 ephemeralOwner=0x0 dataLength=5 numChildren=0 pzxid=0x2
//
// Zxids and the owner are hexadecimal, times RFC 3339 in UTC with milliseconds, counts decimal.
func FormatStat(stat *zk.Stat) string {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(f.name + "=" + f.print(stat))
	}
	return b.String()
}

// ParseStat reads what [FormatStat] prints. The fields may stand in any order, each once.
func ParseStat(text string) (zk.Stat, error) {
	var stat zk.Stat
	seen := make(map[string]bool, len(fields))
	for word := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(word, "=")
		f, ok := fieldOf(name)
		if !ok {
			return zk.Stat{}, fmt.Errorf("xattr: %.40q is no field of a stat: set the line as it was read", word)
		}
		if seen[name] {
			return zk.Stat{}, fmt.Errorf("xattr: the stat has %s twice: set the line as it was read", name)
		}
		seen[name] = true
		if err := f.parse(&stat, value); err != nil {
			return zk.Stat{}, err
		}
	}
	for _, f := range fields {
		if !seen[f.name] {
			return zk.Stat{}, fmt.Errorf("xattr: the stat lacks %s: set the line as it was read", f.name)
		}
	}
	return stat, nil
}

func checkStat(value string) error {
	_, err := ParseStat(value)
	return err
}

func fieldOf(name string) (field, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

func hexField(name string, of func(*zk.Stat) *int64) field {
	return field{
		name:  name,
		print: func(s *zk.Stat) string { return fmt.Sprintf("%#x", uint64(*of(s))) },
		parse: func(s *zk.Stat, text string) error {
			digits, ok := strings.CutPrefix(text, "0x")
			v, err := strconv.ParseUint(digits, 16, 64)
			if !ok || err != nil {
				return fmt.Errorf("xattr: %s=%.40s: write a hexadecimal number such as 0x2", name, text)
			}
			*of(s) = int64(v)
			return nil
		},
	}
}

func countField(name string, of func(*zk.Stat) *int32) field {
	return field{
		name:  name,
		print: func(s *zk.Stat) string { return strconv.Itoa(int(*of(s))) },
		parse: func(s *zk.Stat, text string) error {
			v, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				return fmt.Errorf("xattr: %s=%.40s: write a decimal number of 32 bits", name, text)
			}
			*of(s) = int32(v)
			return nil
		},
	}
}

// timeField prints milliseconds since 1970 as a date. RFC 3339 has four digits for the year; a time
// outside of them, which no clock shows, stays a number.
func timeField(name string, of func(*zk.Stat) *int64) field {
	return field{
		name: name,
		print: func(s *zk.Stat) string {
			t := time.UnixMilli(*of(s)).UTC()
			if year := t.Year(); year < 0 || year > 9999 {
				return strconv.FormatInt(*of(s), 10)
			}
			return t.Format("2006-01-02T15:04:05.000Z")
		},
		parse: func(s *zk.Stat, text string) error {
			if v, err := strconv.ParseInt(text, 10, 64); err == nil {
				*of(s) = v
				return nil
			}
			t, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return fmt.Errorf("xattr: %s=%.40s: write a time such as 2024-02-12T20:59:03.120Z", name, text)
			}
			*of(s) = t.UnixMilli()
			return nil
		},
	}
}
