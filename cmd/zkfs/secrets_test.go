package main

import (
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"
)

// ofSecret is what stat(2) tells of a file.
type ofSecret struct {
	uid, gid uint32
	mode     fs.FileMode
}

func (o ofSecret) Name() string       { return "secret" }
func (o ofSecret) Size() int64        { return 0 }
func (o ofSecret) Mode() fs.FileMode  { return o.mode }
func (o ofSecret) ModTime() time.Time { return time.Time{} }
func (o ofSecret) IsDir() bool        { return false }
func (o ofSecret) Sys() any           { return &syscall.Stat_t{Uid: o.uid, Gid: o.gid} }

// Only root can give a secret to a group, which is root's or one of this process.
func TestWhoMayReadASecret(t *testing.T) {
	own, other := uint32(os.Getegid()), uint32(54321)
	for _, tt := range []struct {
		file ofSecret
		want bool
	}{
		{ofSecret{1000, 1000, 0o400}, true},
		{ofSecret{1000, 1000, 0o600}, true},
		{ofSecret{1000, own, 0o440}, false},
		{ofSecret{0, 0, 0o440}, true},
		{ofSecret{0, own, 0o440}, true},
		{ofSecret{0, own, 0o640}, true},
		{ofSecret{0, other, 0o440}, false},
		{ofSecret{0, own, 0o460}, false},
		{ofSecret{0, own, 0o444}, false},
		{ofSecret{0, own, 0o444 | fs.ModeSetuid}, false},
	} {
		if got := isSecret("auth-file", "secret", tt.file) == nil; got != tt.want {
			t.Errorf("%+v: %v", tt.file, got)
		}
	}
}
