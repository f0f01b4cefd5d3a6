package names

import (
	"testing"

	"github.com/zkfs/zkfs/zk"
)

func TestKind(t *testing.T) {
	for _, c := range []struct {
		what string
		name string
		st   zk.Stat
		want Kind
	}{
		{"untouched", "x", zk.Stat{}, KindDir},
		{"has a child", "x", zk.Stat{NumChildren: 1, Cversion: 1}, KindDir},
		{"had a child", "x", zk.Stat{Cversion: 2}, KindDir},
		{"had a child and has data", "x", zk.Stat{Cversion: 2, DataLength: 3, Version: 1}, KindDir},
		{"has data", "x", zk.Stat{DataLength: 3}, KindFile},
		{"was written empty", "x", zk.Stat{Version: 1}, KindFile},
		{"ephemeral", "x", zk.Stat{EphemeralOwner: 7}, KindFile},
		{"lock", "x.lock", zk.Stat{}, KindLock},
		{"lock with contenders", "x.lock", zk.Stat{NumChildren: 2, Cversion: 2}, KindLock},
		{"nothing but the suffix", ".lock", zk.Stat{}, KindDir},
	} {
		if got := KindOf(c.name, &c.st, ".lock"); got != c.want {
			t.Errorf("%s: kind %d, want %d", c.what, got, c.want)
		}
	}
	if KindOf("x.lock", &zk.Stat{}, "") != KindDir {
		t.Error("without a suffix there are lock files")
	}
}
