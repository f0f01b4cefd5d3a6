package fs

import (
	"syscall"
	"testing"
)

func TestScratchNames(t *testing.T) {
	const excl = syscall.O_CREAT | syscall.O_EXCL
	for _, c := range []struct {
		name        string
		flags, mode uint32
		want        bool
	}{
		{".f.swp", excl, 0o600, true},
		{".f.swpx", excl, 0o600, true},
		{"f~", 0, 0o644, true},
		{"#f#", 0, 0o644, true},
		{".#f", 0, 0o644, true},
		{"4913", excl, 0o644, true},
		{"5036", excl, 0o644, true},
		{"4913", 0, 0o644, false},
		{"4914", excl, 0o644, false},
		{"sedAbC123", excl, 0o600, true},
		{"sedAbC123", excl, 0o644, false},
		{"sedAbC123", 0, 0o600, false},
		{"sedation", excl, 0o600, false},
		{".f.AbC123", excl, 0o600, true},
		{".f.AbC123", 0, 0o600, false},
		{"XXAbC123", excl, 0o600, true},
		{"XXAbC123", 0, 0o600, false},
		{"f", excl, 0o600, false},
		{".swp", excl, 0o600, false},
	} {
		if got := new(FS).isScratch(c.name, c.flags, c.mode); got != c.want {
			t.Errorf("isScratch(%q, %#x, %o) = %v", c.name, c.flags, c.mode, got)
		}
	}
}
