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

// Trees that are copied into another ensemble, which is one for all of them.
func TestTrees(t *testing.T) {
	t.Parallel()
	elsewhere := addr(cluster(t, 1, nil).Servers[0])
	for name, test := range map[string]func(t *testing.T, elsewhere string){
		"travel": treesTravel, "held lock": treeWithHeldLock, "masked ACLs": maskedACLsDoNotTravel,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, elsewhere)
		})
	}
}

// A tree is copied out of one ensemble into a folder or an archive, and from there into another ensemble: types, data and
// ACLs are the same there.
func treesTravel(t *testing.T, elsewhere string) {
	server, root := addr(shared.Servers[0]), newRoot(t)
	from, source := mount(t, server+root), connect(t, []string{server}, zk.WithChroot(root))
	plant(t, source)
	want := census(t, source, "/")
	for name, script := range map[string]string{
		"cp":        `cp -a --preserve=xattr $FROM/. $TMP/out; cp -a --preserve=xattr $TMP/out/. $TO`,
		"cp-direct": `cp -a --preserve=xattr $FROM/. $TO`,
		"tar":       `tar --xattrs -C $FROM -cf $TMP/tar .; tar --xattrs -C $TO -xf $TMP/tar`,
		"tar-pipe":  `tar --xattrs -C $FROM -c . | tar --xattrs -C $TO -x`,
	} {
		t.Run(name, func(t *testing.T) {
			to, target := mountEmpty(t, elsewhere)
			script += `
				types() { find . -printf '%y %p\n' | sort; }
				cd $FROM; types > $TMP/types; cd $TO; types | diff $TMP/types -`
			if out := from.sh(t, travel(t, from, to, script)); out != "" {
				t.Errorf("printed %q", out)
			}
			same(t, census(t, target, "/"), want)
		})
	}
}

// A lock that is held while the tree is copied: cp and tar take it for a file whose text is the queue, of which stat(2) knows no
// length. Nothing else is different, and nobody holds a lock in the copy.
func treeWithHeldLock(t *testing.T, elsewhere string) {
	from, source := mountShared(t)
	create(t, source, "/a", "1", zk.FlagPersistent)
	create(t, source, "/jobs", "", zk.FlagPersistent)
	create(t, source, "/jobs/b", "2", zk.FlagPersistent)
	want := census(t, source, "/")
	from.flocker(t, "flock", "jobs/held.lock", newJudge(t)).do("lock")
	queue := from.sh(t, "cat jobs/held.lock")
	for name, copied := range map[string]struct{ script, data string }{
		"cp":  {`cp -a --preserve=xattr $FROM/. $TO`, queue},
		"tar": {`tar --xattrs -C $FROM -c . | tar --xattrs -C $TO -x`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			to, target := mountEmpty(t, elsewhere)
			if out := from.sh(t, travel(t, from, to, copied.script)); out != "" {
				t.Errorf("printed %q", out)
			}
			if data, _, err := target.Get("/jobs/held.lock"); err != nil || string(data) != copied.data {
				t.Errorf("the lock became %q, error %v, want %q", data, err, copied.data)
			}
			to.prints(t, "free\n", "flock -n jobs/held.lock echo free")
			eventually(t, func() error { return target.Delete("/jobs/held.lock", -1) }) // the lock is given back behind the last close
			same(t, census(t, target, "/"), want)
		})
	}
}

// Servers show a digest only to those who may administer the znode. What others get is no ACL to give to a copy: it would lock
// out all whom it names. Each tool says so, and the copy has the ACL of its parent.
func maskedACLsDoNotTravel(t *testing.T, elsewhere string) {
	const acl, open = "world:anyone:r,digest:ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM=:cdrwa", "world:anyone:cdrwa"
	stranger, source := mountShared(t)
	ann := mount(t, stranger.source, "--auth-file", authFile(t, "digest:ann:secret\n"))
	create(t, source, "/d", "", zk.FlagPersistent)
	create(t, source, "/d/f", "1", zk.FlagPersistent)
	parsed, err := xattr.ParseACL(acl)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := source.SetACL("/d/f", parsed, -1); err != nil {
		t.Fatal(err)
	}
	for name, tool := range map[string]struct{ script, says string }{
		"cp":      {"cp -a --preserve=xattr $FROM/d $TO", "setting attribute 'user.zk.acl'"},
		"tar":     {"tar --xattrs -C $FROM -c d | tar --xattrs -C $TO -x", "Cannot set 'user.zk.acl'"},
		"rsync":   {"rsync -aX $FROM/d $TO", `"user.zk.acl") failed: Permission denied`},
		"restore": {"cp -r $FROM/d $TO; cd $FROM; getfattr -d d/f > $TMP/dump; cd $TO; setfattr --restore=$TMP/dump", "d/f: Permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			to, target := mountEmpty(t, elsewhere)
			out, _ := to.try(travel(t, stranger, to, tool.script)) // tar succeeds
			if !strings.Contains(out, tool.says) {
				t.Errorf("printed %q", out)
			}
			same(t, census(t, target, "/"), []string{"d directory \"\" 0 " + open, "d/f file \"1\" 1 " + open})

			// With the credentials on both sides it is a copy like any other.
			to.sh(t, "rm -r d")
			admin := mount(t, to.source, "--auth-file", authFile(t, "digest:ann:secret\n"))
			if out := to.sh(t, travel(t, ann, admin, tool.script)); out != "" {
				t.Errorf("printed %q", out)
			}
			if err := target.AddAuth("digest", []byte("ann:secret")); err != nil {
				t.Fatal(err)
			}
			same(t, census(t, target, "/"), []string{"d directory \"\" 0 " + open, "d/f file \"1\" 1 " + acl})
		})
	}
}

// mountEmpty mounts a new znode, which has the name of the test.
func mountEmpty(t *testing.T, server string) (*mounted, *zk.Conn) {
	t.Helper()
	path := "/" + strings.ReplaceAll(t.Name(), "/", "-")
	create(t, connect(t, []string{server}), path, "", zk.FlagPersistent)
	return mount(t, server+path), connect(t, []string{server}, zk.WithChroot(path))
}

// travel returns a script that knows two mounts as $FROM and $TO, and a folder as $TMP.
func travel(t *testing.T, from, to *mounted, script string) string {
	t.Helper()
	return fmt.Sprintf("set -e -o pipefail; FROM=%s TO=%s TMP=%s\n%s", from.dir, to.dir, t.TempDir(), script)
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// plant makes a tree with everything that a tree can have. The ephemerals become ordinary files elsewhere.
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
		{"/idle.lock", "", "world:anyone:cdrw,ip:127.0.0.1:cdrwa"},
		{"/.status", "hidden by the status of the mount", open},
		{"/%2Edata", "as if it were escaped", open},
		{"/%2Elock", "as if it were escaped too", open},
		{"/deep", "", `world:anyone:cdrwa,digest:ann:with\, comma:r`},
		{"/deep/.data", "a child of that name", open},
		{"/deep/.lock", "another one", open},
		{"/deep/%2Edata", "awkward", open},
		{"/deep/%252Edata", "more awkward", open},
		{"/deep/.status", "awkward too", open},
		{"/deep/-rf ~*", "a name for scripts", open},
		{"/deep/er", "", "world:anyone:ra"},
		{"/deep/er/ü", "1", open},
	}
	for _, n := range nodes {
		create(t, c, n.path, n.data, zk.FlagPersistent)
	}
	create(t, c, "/member", "host1:8080", zk.FlagEphemeral)
	create(t, c, "/member without data", "", zk.FlagEphemeral)
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
		switch {
		case strings.HasSuffix(name, ".lock"), stat.EphemeralOwner != 0:
		case stat.NumChildren > 0 || stat.Cversion != 0 || stat.Version == 0 && stat.DataLength <= 0:
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
