package fs

import (
	"testing"

	"github.com/zkfs/zkfs/zk"
)

func TestKind(t *testing.T) {
	for _, c := range []struct {
		what string
		name string
		st   zk.Stat
		want kind
	}{
		{"untouched", "x", zk.Stat{}, kindDir},
		{"has a child", "x", zk.Stat{NumChildren: 1, Cversion: 1}, kindDir},
		{"had a child", "x", zk.Stat{Cversion: 2}, kindDir},
		{"had a child and has data", "x", zk.Stat{Cversion: 2, DataLength: 3, Version: 1}, kindDir},
		{"has data", "x", zk.Stat{DataLength: 3}, kindFile},
		{"was written empty", "x", zk.Stat{Version: 1}, kindFile},
		{"ephemeral", "x", zk.Stat{EphemeralOwner: 7}, kindFile},
		{"lock", "x.lock", zk.Stat{}, kindLock},
		{"lock with contenders", "x.lock", zk.Stat{NumChildren: 2, Cversion: 2}, kindLock},
		{"nothing but the suffix", ".lock", zk.Stat{}, kindDir},
	} {
		if got := kindOf(c.name, &c.st, ".lock"); got != c.want {
			t.Errorf("%s: kind %d, want %d", c.what, got, c.want)
		}
	}
	if kindOf("x.lock", &zk.Stat{}, "") != kindDir {
		t.Error("without a suffix there are lock files")
	}
}
