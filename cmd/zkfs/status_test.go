package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// A server serves if its reply to srvr is whole, or if it refuses that word alone. Nothing else
// that answers is one.
func TestStatusOfWhatAnswers(t *testing.T) {
	const whole = "Zookeeper version: 3.4.6-1569965, built on 02/20/2014 09:09 GMT\nLatency min/avg/max: 0/1/10\nReceived: 4207\nSent: 4220\n" +
		"Connections: 81\nOutstanding: 1\nZxid: 0x110a7a8f37\nMode: leader\nNode count: 306\n"
	tests := []struct {
		reply  string
		serves bool
		shown  string
	}{
		{whole, true, "leader"},
		{strings.NewReplacer("Zookeeper", "ClickHouse Keeper", "Sent", "Sent ", "0x110a7a8f37", "34").Replace(whole), true, "leader"},
		{"srvr is not executed because it is not in the whitelist.\n", true, "whitelist"},
		{whole[:len(whole)-4], false, "does not answer as ZooKeeper does"},
		{whole[:len(whole)/2], false, "does not answer as ZooKeeper does"},
		{"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n400 Bad Request", false, "not a reply to srvr"},
		{"This ZooKeeper instance is not currently serving requests\n", false, "has no quorum"},
		{"This instance is not currently serving requests", false, "has no quorum"},
		{"", false, "closes the connection"},
	}
	for _, tt := range tests {
		server := saying(t, tt.reply)
		want := exitConnect
		if tt.serves {
			want = exitOK
		}
		var out, stderr strings.Builder
		if code := run(t.Context(), []string{"status", server}, stdio{nil, &out, &stderr}); code != want || !strings.Contains(out.String(), tt.shown) {
			t.Errorf("%q: exit code %d\n%s%s", tt.reply, code, out.String(), stderr.String())
		}
		out.Reset()
		run(t.Context(), []string{"status", "--json", server}, stdio{nil, &out, &stderr})
		var s ensembleStatus
		if err := json.Unmarshal([]byte(out.String()), &s); err != nil || s.Servers[0].Serves != tt.serves {
			t.Errorf("%q: %v\n%s", tt.reply, err, out.String())
		}
	}
}
