package integration

import (
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// A server counts what is below a quota in a znode whose Stat stays as it is, and refuses what goes
// beyond a hard limit if it is told to.
func TestQuota(t *testing.T) {
	ts := cluster(t, 1, func(_ int, config *zk.ServerConfig, _ *zk.Server) {
		config.Extra = append(config.Extra, "enforceQuota=true")
	})
	server := addr(ts.Servers[0])
	conn := connect(t, []string{server})
	for _, node := range [][2]string{
		{"/count", ""}, {"/bytes", ""},
		{"/zookeeper/quota/count", ""}, {"/zookeeper/quota/bytes", ""},
		{"/zookeeper/quota/count/zookeeper_limits", "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=3"},
		{"/zookeeper/quota/count/zookeeper_stats", "count=1,bytes=0"},
		{"/zookeeper/quota/bytes/zookeeper_limits", "count=-1,bytes=-1=;byteHardLimit=20;countHardLimit=-1"},
		{"/zookeeper/quota/bytes/zookeeper_stats", "count=1,bytes=0"},
	} {
		if _, err := conn.Create(node[0], []byte(node[1]), 0, zk.WorldACL(zk.PermAll)); err != nil {
			t.Fatalf("%s: %v", node[0], err)
		}
	}
	m := mount(t, server)
	stats := "zookeeper/quota/count/zookeeper_stats"
	want := func(script, answer string) {
		t.Helper()
		if got, err := m.try(script); !strings.Contains(got, answer) {
			t.Errorf("$ %s\n%s%v; want %q", script, got, err, answer)
		}
	}
	want("cat "+stats, "count=1,bytes=0")
	want("echo a > count/f; echo b > count/g; echo $?", "0\n")
	want("sync "+stats+"; cat "+stats, "count=3,bytes=4")
	want("echo c > count/h; echo $?", "Disk quota exceeded\n1\n")
	want("touch count/h", "Disk quota exceeded")
	want("set -C; echo c > count/h", "Disk quota exceeded")
	want("echo other > count/f; cat count/f", "other")
	want("printf 12345678901234567890 > bytes/f; cat bytes/f", "12345678901234567890")
	want("echo x > bytes/g; echo $?", "Disk quota exceeded\n1\n")
	want("echo short > bytes/f; cat bytes/f", "short")
	want("echo longer than the quota allows > bytes/f; echo $?", "0\n") // nobody can know that at open
	want("cat bytes/f; grep -A1 'failed commits' .status", "short\nfailed commits   1\n")
	want("cat .status", " /bytes/f: zk: quota exceeded")
}
