package main

import (
	"strings"
	"testing"
)

func TestArguments(t *testing.T) {
	tests := []struct {
		argv, want string
		fake       bool
	}{
		{argv: "", want: ""},
		{argv: "/usr/bin/zkfs umount -l m", want: "umount -l m"},
		{argv: "/sbin/mount.zkfs zk1,zk2:2181/app /mnt -o rw,uid=1000", want: "mount zk1,zk2:2181/app /mnt -o rw,uid=1000"},
		{argv: "/sbin/mount.fuse.zkfs zk /mnt -sn -v -N 7 -t fuse.zkfs -o ro", want: "mount zk /mnt -o ro"},
		{argv: "mount.zkfs zk /mnt -vf", want: "mount zk /mnt", fake: true},
		{argv: "mount.zkfs zk /mnt -o -f", want: "mount zk /mnt -o -f"},
		{argv: "mount.zkfs --help", want: "mount --help"},
	}
	for _, tt := range tests {
		args, fake := arguments(strings.Fields(tt.argv))
		if got := strings.Join(args, " "); got != tt.want || fake != tt.fake {
			t.Errorf("%s: %q, %v, want %q, %v", tt.argv, got, fake, tt.want, tt.fake)
		}
	}
}
