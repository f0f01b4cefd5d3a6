package integration

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
)

// A tree is copied out of one ensemble into a folder or an archive, and from there into another ensemble: types, data and
// ACLs are the same there.
func TestTreesTravel(t *testing.T) {
	from, source := mountShared(t)
	plant(t, source)
	want := census(t, source, "/")
	elsewhere := cluster(t, 1, nil)
	to := mount(t, addr(elsewhere.Servers[0]))
	target := connect(t, []string{addr(elsewhere.Servers[0])})
	for name, script := range map[string]string{
		"cp":       `cp -a $FROM/. $TMP/out; cp -a $TMP/out/. $TO`,
		"tar":      `tar --xattrs -C $FROM -cf $TMP/tar .; tar --xattrs -C $TO -xf $TMP/tar`,
		"tar-pipe": `tar --xattrs -C $FROM -c . | tar --xattrs -C $TO -x`,
	} {
		t.Run(name, func(t *testing.T) {
			create(t, target, "/"+name, "", zk.FlagPersistent)
			vars := fmt.Sprintf("set -e -o pipefail; FROM=%s TO=%s TMP=%s\n", from.dir, path.Join(to.dir, name), t.TempDir())
			if out := from.sh(t, vars+script); out != "" {
				t.Errorf("printed %q", out)
			}
			got := census(t, target, "/"+name)
			for i := range max(len(got), len(want)) {
				if i >= len(got) || i >= len(want) || got[i] != want[i] {
					t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			}
		})
	}
}

// plant makes a tree with everything that a tree can have. The ephemeral becomes an ordinary file elsewhere.
func plant(t *testing.T, c *zk.Conn) {
	t.Helper()
	const open = "world:anyone:cdrwa"
	nodes := []struct{ path, data, acl string }{
		{"/config", "", open},
		{"/config/db", "host=a\nport=1\n", "world:anyone:cdrwa,ip:127.0.0.1:r"},
		{"/config/secret", "never to be written", "world:anyone:cra"},
		{"/config/binary", "\x00\xff\x80 bytes", open},
		{"/config/large", strings.Repeat("0123456789", 50000), open},
		{"/both", "data of a directory", "world:anyone:cdra,ip:127.0.0.1:cdrwa"},
		{"/both/child", "x", open},
		{"/both/empty directory", "", "world:anyone:ra"},
		{"/Cargo.lock", "a file of that name", open},
		{"/deep", "", `world:anyone:cdrwa,digest:ann:with\, comma:r`},
		{"/deep/%2Edata", "awkward", open},
		{"/deep/.status", "awkward too", open},
		{"/deep/er", "", "world:anyone:ra"},
		{"/deep/er/ü", "1", open},
	}
	for _, n := range nodes {
		create(t, c, n.path, n.data, zk.FlagPersistent)
	}
	create(t, c, "/member", "host1:8080", zk.FlagEphemeral)
	if _, err := c.Multi(
		&zk.CreateRequest{Path: "/config/none", Data: []byte{}, Acl: zk.WorldACL(zk.PermAll)},
		&zk.SetDataRequest{Path: "/config/none", Data: []byte{}, Version: 0},
	); err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		acl, err := xattr.ParseACL(n.acl)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.SetACL(n.path, acl, -1); err != nil {
			t.Fatal(err)
		}
	}
}

// census returns a line for each znode below root: path, type, data, ACL.
func census(t *testing.T, c *zk.Conn, root string) []string {
	t.Helper()
	var lines []string
	var visit func(name string)
	visit = func(name string) {
		full := path.Join(root, name)
		data, stat, err := c.Get(full)
		if err != nil {
			t.Fatal(full, err)
		}
		acl, _, err := c.GetACL(full)
		if err != nil {
			t.Fatal(full, err)
		}
		kind := "file"
		if stat.NumChildren > 0 || stat.Cversion != 0 || stat.Version == 0 && stat.DataLength <= 0 {
			kind = "directory"
		}
		if name != "" {
			lines = append(lines, fmt.Sprintf("%s %s %.40q %d %s", name, kind, data, len(data), xattr.FormatACL(acl)))
		}
		children, _, err := c.Children(full)
		if err != nil {
			t.Fatal(full, err)
		}
		slices.Sort(children)
		for _, child := range children {
			visit(path.Join(name, child))
		}
	}
	visit("")
	return lines
}
