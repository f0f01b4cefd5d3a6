package main

import (
	"encoding/json"
	"errors"
	"testing"
)

const statusText = `source           zk1:2181/app
connected        
state            StateAuthFailed
timeout          10s
process          4711
version          v1.2.3
cache            12 znodes, 3400 bytes
watch            tree, 1 one-shot, 7 events
failed commits   1
                 2026-01-01T00:00:00Z /a: zk: not allowed

==> zk1:2181 srvr <==
Zookeeper version: 3.8.0-x, built on 2024-12-29 17:54 UTC
Latency min/avg/max: 0/0.5/3
Received: 12
Sent: 11
Connections: 1
Outstanding: 0
Zxid: 0x5
Mode: standalone
Node count: 5

==> zk1:2181 mntr <==
mntr is not executed because it is not in the whitelist.

==> zk2:2181 <==
error: dial tcp: connection refused

==> zk3:2181 srvr <==
This ZooKeeper instance is not currently serving requests
`

// What a mount tells is enough: of itself, in numbers, and of the servers, as it reaches them.
func TestStatusOfMountIsRead(t *testing.T) {
	m := parseMountStatus(statusText)
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"cache_bytes":3400,"cache_znodes":12,"connected":"","failed_commits":` +
		`1,"failed_commits_lines":["2026-01-01T00:00:00Z /a: zk: not allowed"],"process":4711,"source":"zk1:2181/app",` +
		`"state":"StateAuthFailed","timeout_seconds":10,"version":"v1.2.3","watch":"tree",` +
		`"watch_events":7,"watch_one_shot":1}`
	if string(text) != want {
		t.Errorf("JSON is\n%s\nwant\n%s", text, want)
	}
	if len(m.servers) != 3 || m.servers[0].Nodes != 5 || !m.servers[0].Serves || m.servers[1].Error == "" ||
		m.servers[2].Serves || m.servers[2].Error != "runs, but has no quorum" {
		t.Errorf("servers: %+v", m.servers)
	}
}

// The state of the mount is the exit code, whatever the servers say.
func TestStatusOfMountIsTheExitCode(t *testing.T) {
	for state, want := range map[string]int{
		"StateHasSession": exitOK, "StateConnectedReadOnly": exitOK, "StateAuthFailed": exitAuth,
		"StateDisconnected": exitConnect, "StateExpired": exitConnect, "StateConnecting": exitConnect,
	} {
		m := parseMountStatus("state            " + state + "\n")
		code := exitOK
		var f *failure
		if err := (ensembleStatus{Mount: m, Servers: []serverStatus{{Serves: true}}}).failure(); errors.As(err, &f) {
			code = f.code
		}
		if code != want {
			t.Errorf("%s: exit code %d, want %d", state, code, want)
		}
	}
}
