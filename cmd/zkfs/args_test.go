package main

import (
	"io"
	"strings"
	"testing"
)

func TestArrange(t *testing.T) {
	tests := []struct {
		args string
		want string // or the error
	}{
		{"mount -f zk /mnt", "mount --foreground -- zk /mnt"},
		{"mount zk /mnt -f --foreground", "mount --foreground --foreground -- zk /mnt"},
		{"mount zk --timeout 3s /mnt", "mount --timeout=3s -- zk /mnt"},
		{"mount zk --timeout=3s /mnt", "mount --timeout=3s -- zk /mnt"},
		{"mount zk /mnt --timeout", "--timeout needs a value"},
		{"mount -- zk -f", "mount -- zk -f"},
		{"mount --no-such zk /mnt", "there is no flag --no-such"},
		{"mount zk /mnt --help", "mount --help -- zk /mnt"},
		{"moun zk", "moun zk"},
		{"mount zk /mnt -o ro,allow_other,umask=077", "mount --read-only --allow-other --umask=077 -- zk /mnt"},
		{"mount zk /mnt -oro --commit close -o sync", "mount --read-only --commit=close --commit=write -- zk /mnt"},
		{"mount zk /mnt -o ro,rw", "mount --read-only --read-only=false -- zk /mnt"},
		{"mount zk /mnt -o noauto,x-systemd.automount,_netdev,nofail,nosuid,,defaults", "mount -- zk /mnt"},
		{`mount zk /mnt -o lock-suffix=\,\\x`, `mount --lock-suffix=,\x -- zk /mnt`},
		{"mount zk /mnt -o", "-o needs a list of options"},
		{"mount zk /mnt -o f", `there is no mount option "f"`},
		{"mount zk /mnt -o readonly,auto_unmount,fsname=x,subtype=y", "mount --read-only -- zk /mnt"},
		{`mount zk /mnt -o context="a:c1,c2",ro`, "mount --context=a:c1,c2 --read-only -- zk /mnt"},
		{"mount zk /mnt -o no-auto_unmount", `there is no mount option "no-auto_unmount"`},
		{"mount zk /mnt -o timeout", "the mount option timeout needs a value"},
		{"lock f -n -- cmd -s -- x", "lock --nonblock -- f cmd -s -- x"},
		{"lock -w 3 f cmd -n -- x", "lock --wait=3 -- f cmd -n -- x"},
		{"lock -sn f cmd", "lock --shared --nonblock -- f cmd"},
		{"lock -snw f cmd", "there is no flag -snw"},
		{"lock f --server zk cmd", "lock --server=zk -- f cmd"},
	}
	commands := (&command{}).app().Commands
	for _, tt := range tests {
		got, err := arrange(strings.Fields(tt.args), commands)
		text := strings.Join(got, " ")
		if err != nil {
			text = err.Error()
		}
		if text != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.args, text, tt.want)
		}
	}
}

// The help names each command and each flag, and ends well.
func TestHelp(t *testing.T) {
	for _, cmd := range (&command{}).app().Commands {
		var out strings.Builder
		code := run(t.Context(), []string{cmd.Name, "--help"}, stdio{strings.NewReader(""), &out, io.Discard})
		if code != exitOK || !strings.HasPrefix(out.String(), "usage: zkfs "+cmd.Name) {
			t.Errorf("%s --help: exit code %d, %q", cmd.Name, code, out.String())
		}
		for _, f := range cmd.Flags {
			if name := f.Names()[0]; !strings.Contains(out.String(), "-"+name) {
				t.Errorf("%s --help does not name --%s", cmd.Name, name)
			}
		}
	}
}
