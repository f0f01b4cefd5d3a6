package main

import (
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// Each command on a znode has the same exit code for the same answer of the servers.
func TestRefusals(t *testing.T) {
	answers := []struct {
		name string
		code int32 // KeeperException.Code
		exit int
	}{
		{"NoNode", -101, exitChroot},
		{"NoAuth", -102, exitAuth},
		{"BadVersion", -103, exitVersion},
		{"NoChildrenForEphemerals", -108, exitRefused},
		{"NodeExists", -110, exitExists},
		{"NotEmpty", -111, exitNotEmpty},
		{"InvalidACL", -114, exitAuth},
		{"AuthFailed", -115, exitAuth},
		{"NotReadOnly", -119, exitRefused},
		{"QuotaExceeded", -125, exitRefused},
		{"Unimplemented", -6, exitRefused},
		{"BadArguments", -8, exitRefused},
		{"NewConfigNoQuorum", -13, exitRefused},
		{"ReconfigInProgress", -14, exitRefused},
		{"ReconfigDisabled", -123, exitRefused},
		{"SystemError", -1, exitConnect},
		{"a code of the future", -999, exitConnect},
	}
	commands := []string{
		"get /x", "set /x new", "set --version 3 /x new", "stat /x", "ls /x", "ls -R --json /x",
		"create /x", "create -s --acl open /x", "create -es /x", "create -p /x/y", "create -s " +
			"--ttl 1h /x", "create --container /x",
		"rm /x", "rm --version 3 /x", "rm -r /x",
		"acl get /x", "acl set /x world:anyone:r", "acl set -R /x world:anyone:r",
		"quota get /x", "ephemerals /x", "whoami", "reconfig", "reconfig --remove 2", "reconfig " +
			"--members server.1=zk1",
		"register /x -- true", "register -s /x -- true", "lock /x.lock -- true",
	}
	server := zktest.NewServer()
	defer server.Close()
	for _, a := range answers {
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			session := r.Op == "connect" || r.Op == "ping" || r.Op == "closeSession"
			if session || r.Op == "exists" && r.Path == "/" {
				return zktest.Fault{}
			}
			return zktest.Fault{Code: a.code}
		})
		for _, line := range commands {
			var out, stderr strings.Builder
			args := slices.Insert(strings.Fields(line), 1, "--server="+server.Addr())
			code := run(t.Context(), args, stdio{strings.NewReader(""), &out, &stderr})
			if code != a.exit || !strings.HasPrefix(stderr.String(), "zkfs: /") || out.Len() > 0 {
				t.Errorf("%s: zkfs %s: exit code %d, want "+
					"%d\n%s%s", a.name, line, code, a.exit, out.String(), stderr.String())
			}
			if strings.Contains(stderr.String(), "zk: ") {
				t.Errorf("%s: zkfs %s: an error of a package is "+
					"shown: %s", a.name, line, stderr.String())
			}
		}
	}
}

// A command tells that the answer to its change was lost, and that no server answers.
func TestLostAnswers(t *testing.T) {
	server := zktest.NewServer()
	defer server.Close()
	for _, tt := range []struct {
		line   string
		code   int
		want   string
		closes bool // the server does not make the change
	}{
		{line: "create /x", code: exitConnect,
			want: "/x: the connection was lost before the answer: the znode may have been created"},
		{line: "create -s /x", code: exitConnect, want: "the znode may have been created"},
		{line: "set /x data"}, // done again, or found done
		{line: "rm /x"},
		{line: "create /y", closes: true}, // done again, because nothing was created
		{line: "create -s /y-", closes: true},
	} {
		var lost atomic.Bool
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			change := strings.HasPrefix(r.Op, "create") || r.Op == "setData" || r.Op == "delete"
			if change = change && lost.CompareAndSwap(false, true); tt.closes {
				return zktest.Fault{Close: change}
			}
			return zktest.Fault{Lose: change}
		})
		var stderr strings.Builder
		args := append(strings.Fields(tt.line), "--server="+server.Addr())
		code := run(t.Context(), args, stdio{strings.NewReader(""), io.Discard, &stderr})
		if !lost.Load() || code != tt.code || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("zkfs %s: exit code %d, want %d\n%s", tt.line, code, tt.code, stderr.String())
		}
	}
	server.OnRequest(func(r zktest.Request) zktest.Fault { return zktest.Fault{Stall: r.Op == "getData"} })
	var stderr strings.Builder
	args := []string{"get", "/x", "--session-timeout=1s", "--connect-timeout=1s", "--server=" + server.Addr()}
	code := run(t.Context(), args, stdio{nil, io.Discard, &stderr})
	if code != exitConnect || !strings.Contains(stderr.String(), "/x: no server has answered "+
		"for 1s") {
		t.Errorf("no answer: exit code %d\n%s", code, stderr.String())
	}
}

// A server that closes the connection at large requests says by that that they are too large.
func TestSizesThatServersDoNotTake(t *testing.T) {
	server := zktest.NewServer()
	defer server.Close()
	conn, _, err := zk.Connect([]string{server.Addr()}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Create("/x", nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	large := strings.Repeat("x", leastBuffer)
	for _, line := range []string{"set /x -", "set --version 0 /x -", "create /y -",
		"create -s /y -", "create -e /y -", "register /y - -- true", "register -s /y - -- true"} {
		server.OnRequest(func(r zktest.Request) zktest.Fault {
			return zktest.Fault{Close: strings.HasPrefix(r.Op, "create") && r.Op != "createSession" ||
				r.Op == "setData" || r.Op == "multi"}
		})
		var stderr strings.Builder
		args := slices.Insert(strings.Fields(line), 1, "--server="+server.Addr())
		code := run(t.Context(), args, stdio{strings.NewReader(large), io.Discard, &stderr})
		if code != exitRefused || !strings.Contains(stderr.String(), "(jute.maxbuffer)") {
			t.Errorf("zkfs %s: exit code %d, want %d\n%s", line, code, exitRefused, stderr.String())
		}
		server.OnRequest(nil)
		if names, _, err := conn.Children("/"); err != nil || len(names) != 2 {
			t.Errorf("zkfs %s: there are %q (%v)", line, names, err)
		}
	}
}
