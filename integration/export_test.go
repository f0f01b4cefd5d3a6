package integration

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/archive"
	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/internal/history"
	"github.com/zkfs/zkfs/zk"
)

var (
	exportRuns   = flag.Int("export.runs", 1, "how many archives TestExportIsOneState compares with the log")
	exportZnodes = flag.Int("export.znodes", 2000, "how many znodes beside queues it has")
)

// exportQueues is how many queues TestExportIsOneState has.
const exportQueues = 20

// While other clients change several znodes of a tree at once, put into queues and take from them,
// an archive has the state after the transaction that it names, by the server's own log.
func TestExportIsOneState(t *testing.T) {
	t.Parallel()
	server, root := addr(shared.Servers[0]), newRoot(t)
	c := connect(t, []string{server}, zk.WithChroot(root))
	var ops []any
	acl := zk.WorldACL(zk.PermAll)
	for i := range exportQueues {
		ops = append(ops, &zk.CreateRequest{Path: fmt.Sprintf("/q%d", i), Acl: acl})
	}
	for i := range *exportZnodes {
		if i%100 == 0 {
			ops = append(ops, &zk.CreateRequest{Path: fmt.Sprintf("/d%d", i/100), Acl: acl})
		}
		ops = append(ops, &zk.CreateRequest{Path: exported(i), Data: []byte("0"), Acl: acl})
	}
	if _, err := c.Multi(ops...); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() { changeExported(t, c, stop) }) // ends with stop
	}
	for range *exportRuns {
		file := filepath.Join(t.TempDir(), "tree.tar")
		succeed(t, "export", server+root, "-o", file)
		zxid, got := contents(t, file)
		want := atZxid(t, root, zxid)
		for name, line := range want {
			if got[name] != line {
				t.Errorf("zxid %#x, %s: the archive has %q, the log %q", zxid, name, got[name], line)
			}
		}
		for name, line := range got {
			if _, ok := want[name]; !ok {
				t.Errorf("zxid %#x, %s: the archive has %q, the log nothing", zxid, name, line)
			}
		}
	}
	close(stop)
	writers.Wait()
}

// exported is the path of a znode that is no part of a queue.
func exported(i int) string { return fmt.Sprintf("/d%d/n%d", i/100, i) }

// changeExported changes the tree until stop: some 500 transactions a second of two clients.
func changeExported(t *testing.T, c *zk.Conn, stop chan struct{}) {
	tick := time.NewTicker(4 * time.Millisecond)
	defer tick.Stop()
	items := make([][]string, exportQueues)
	for n := 1; ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		text := []byte(strconv.Itoa(n))
		q := rand.IntN(exportQueues)
		ops := []any{&zk.CreateRequest{Path: fmt.Sprintf("/q%d/item-", q), Data: text, Acl: zk.WorldACL(zk.PermAll),
			Flags: zk.FlagSequence}}
		for range 3 {
			ops = append(ops, &zk.SetDataRequest{Path: exported(rand.IntN(*exportZnodes)), Data: text, Version: -1})
		}
		if len(items[q]) > 2 {
			ops = append(ops, &zk.DeleteRequest{Path: items[q][0], Version: -1})
			items[q] = items[q][1:]
		}
		responses, err := c.Multi(ops...)
		if err != nil {
			t.Error(err)
			return
		}
		items[q] = append(items[q], responses[0].String)
	}
}

// contents returns the zxid of an archive, and a line for each of its znodes.
func contents(t *testing.T, file string) (zxid int64, lines map[string]string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := archive.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	if zxid, err = strconv.ParseInt(r.Header.Zxid, 0, 64); err != nil {
		t.Fatal(err)
	}
	lines = map[string]string{}
	for record, err := range r.Records() {
		if err != nil {
			t.Fatal(err)
		}
		lines[record.Path] = exportLine(record.Data, record.Stat.Version, record.Sequence)
	}
	return zxid, lines
}

func exportLine(data []byte, version, sequence int32) string {
	return fmt.Sprintf("%q version %d, next %d", data, version, sequence)
}

// atZxid returns such lines of what stands below root after a transaction, by the server's log.
func atZxid(t *testing.T, root string, zxid int64) map[string]string {
	t.Helper()
	changes, err := history.ReadLogs(shared.Servers[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	type state struct {
		data              []byte
		version, sequence int32
	}
	tree := map[string]*state{}
	for _, c := range changes {
		if c.Zxid > zxid || c.Path != root && !cut.Below(root, c.Path) {
			continue
		}
		name := "/" + strings.TrimPrefix(strings.TrimPrefix(c.Path, root), "/")
		switch c.Kind {
		case history.Created:
			if tree[name] = (&state{data: c.Data}); name != "/" {
				tree[path.Dir(name)].sequence++
			}
		case history.Set:
			tree[name].data, tree[name].version = c.Data, c.Version
		case history.Deleted:
			delete(tree, name)
		}
	}
	lines := map[string]string{}
	for name, s := range tree {
		lines[name] = exportLine(s.data, s.version, s.sequence)
	}
	return lines
}

// succeed runs the command zkfs, which must succeed, and returns what it prints.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	out, code := runZkfs(t, args...)
	if code != 0 {
		t.Fatalf("zkfs %s: exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// A tree with queues, a counter, versions and ACLs, and with ephemerals in the way of a restore, is
// the same elsewhere but for those, and kazoo goes on there where it stopped.
func TestTreesComeBack(t *testing.T) {
	t.Parallel()
	server, root, other := addr(shared.Servers[0]), newRoot(t), newRoot(t)
	source := connect(t, []string{server}, zk.WithChroot(root))
	target := connect(t, []string{server}, zk.WithChroot(other))
	plant(t, source)
	// As Kafka has it: brokers are ephemerals, and a number in the name says which came first.
	create(t, source, "/brokers", "", zk.FlagPersistent)
	create(t, source, "/brokers/ids", "", zk.FlagPersistent)
	create(t, source, "/brokers/ids/0", "{}", zk.FlagEphemeral)
	create(t, source, "/changes", "", zk.FlagPersistent)
	for range 3 {
		create(t, source, "/changes/change_", "", zk.FlagEphemeral|zk.FlagSequence)
	}
	command(t, "/", "/usr/bin/python3", "-c", kazooLeaves, server+root)
	want := slices.DeleteFunc(census(t, source, "/"), func(line string) bool {
		return strings.HasPrefix(line, "member") || strings.HasPrefix(line, "brokers/ids/0 ") ||
			strings.HasPrefix(line, "changes/change_")
	})

	file := filepath.Join(t.TempDir(), "tree.tar")
	succeed(t, "export", server+root, "-o", file)
	out := succeed(t, "import", "--versions", file, server+other)
	if !strings.Contains(out, "all is as in the source") {
		t.Errorf("printed %q", out)
	}
	same(t, census(t, target, "/"), want)
	if out, code := runZkfs(t, "diff", "--versions", server+root, server+other); code != 0 {
		t.Errorf("diff: exit code %d\n%s", code, out)
	}
	path, err := target.Create("/changes/change_", nil, zk.FlagSequence, zk.WorldACL(zk.PermAll))
	if err != nil || path != "/changes/change_0000000003" {
		t.Errorf("the next sequential child is %s, %v", path, err)
	}
	out = command(t, "/", "/usr/bin/python3", "-c", kazooGoesOn, server+other)
	if out != "8\nfirst\nsecond\nlater\nentry-100-0000000004\n" {
		t.Errorf("kazoo found %q", out)
	}
}

const kazooLeaves = `
import sys
from kazoo.client import KazooClient
z = KazooClient(sys.argv[1]); z.start()
q = z.Queue("/queue")
for item in b"gone", b"first", b"second": q.put(item)
q.get()
c = z.Counter("/counter"); c += 7
z.stop()
`

const kazooGoesOn = `
import sys
from kazoo.client import KazooClient
z = KazooClient(sys.argv[1]); z.start()
q = z.Queue("/queue")
q.put(b"later")
c = z.Counter("/counter"); c += 1
print(c.value)
for i in range(3): print(q.get().decode())
q.put(b"last")
print(z.get_children("/queue")[0])
z.stop()
`
