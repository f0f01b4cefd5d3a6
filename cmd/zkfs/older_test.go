package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk/zktest"
)

// What servers lack is named.
func TestWhatServersLack(t *testing.T) {
	for _, name := range []string{"3.4", "clickhouse-25.8"} {
		server := zktest.NewServer(zktest.WithServer(name))
		defer server.Close()
		for _, tt := range []struct {
			line string
			code int
			want string // of standard error
			on   string // this server alone
		}{
			{line: "create /a x", code: exitOK},
			{line: "create --ttl 1h /b", code: exitRefused, want: "zkfs: /b: the servers take no TTL\n"},
			{line: "create --container /b", code: exitRefused, want: "zkfs: /b: the servers have no containers\n"},
			{line: "whoami", code: exitRefused, want: "zkfs: /: the servers do not tell the identities of a session\n"},
			{line: "ephemerals /", code: exitOK},
			{line: "reconfig", code: exitChroot, want: "hint: ZooKeeper keeps its configuration there from 3.5 on\n"},
			{line: "reconfig --remove 2", code: exitRefused},
			{line: "quota set -n 5 /a", on: "3.4", code: exitOK},
			{line: "quota set -n 5 /a", on: "clickhouse-25.8", code: exitRefused,
				want: "zkfs: /a: the servers have no quotas\n"},
			{line: "acl set --add /a ip:10.0.0.1:r", on: "clickhouse-25.8", code: exitUsage,
				want: "zkfs: /a: its ACL is empty, which allows all clients everything"},
			{line: "get /a", code: exitOK},
			{line: "register /r/a -- true", code: exitOK},
		} {
			if tt.on != "" && tt.on != name {
				continue
			}
			var out, stderr strings.Builder
			args := slices.Insert(strings.Fields(tt.line), 1, "--server="+server.Addr())
			code := run(t.Context(), args, stdio{strings.NewReader(""), &out, &stderr})
			if code != tt.code || !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("%s: zkfs %s: exit code %d, want %d\n%s", name, tt.line, code, tt.code, stderr.String())
			}
		}
	}
}
