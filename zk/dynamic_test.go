package zk

import (
	"slices"
	"testing"
)

func TestClientAddresses(t *testing.T) {
	for config, want := range map[string][]string{
		"":                                   nil,
		"server.1=zk1:2888:3888":             nil, // the port is in another file
		"server.1=zk1:2888:3888;2181":        {"zk1:2181"},
		"server.1=zk1:2888:3888;zk:2182":     {"zk:2182"},
		"server.1=[fd00::1]:1:2:observer;21": {"[fd00::1]:21"},
		"server.1=zk1:2888:3888:participant;0.0.0.0:2181\nserver.2=zk2:2888:3888:observer;[::]:2181\n" +
			"version=100000000": {"zk1:2181", "zk2:2181"},
		"server.1=a:1:2|b:1:2;2181":                {"a:2181"},
		"server.1=a:1:2;2181\nserver.2=a:3:4;2181": {"a:2181"},
		"server.1=a:1:2;":                          nil,
		"server.1=a:1:2;port":                      nil,
		"server.1=:1:2;2181":                       nil,
		"server.1=keeper:9234;participant;1":       nil, // ClickHouse Keeper's
		"group.1=1:2;2181":                         nil,
	} {
		if got := clientAddresses(config); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", config, got, want)
		}
	}
}
