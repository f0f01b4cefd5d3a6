package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// A directory whose list of children is longer than the servers' limit for requests, which is none for replies.
func TestDirectoryOfMoreThanAMegabyte(t *testing.T) {
	m, c := mountShared(t)
	create(t, c, "/d", "", zk.FlagPersistent)
	const names, length = 6000, 200
	padding := strings.Repeat("x", length-4)
	ops := make([]any, names)
	for i := range ops {
		ops[i] = &zk.CreateRequest{Path: fmt.Sprintf("/d/%04d%s", i, padding), Acl: zk.WorldACL(zk.PermAll)}
	}
	for _, r := range c.Pipeline(ops...) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	want := fmt.Sprintf("0000%s\n%d\n", padding, names)
	if got := m.sh(t, "ls d | sed -n '1p;$='"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Names that ZooKeeper takes, as another client makes them, are listed and can be used; those that a shell makes are the same.
func TestNames(t *testing.T) {
	t.Parallel()
	m, c := mountShared(t)
	for i, name := range []string{
		"with space", " ", "%", "%20", "%2Efoo", "a%b", "quote'\"", "back\\slash", "-rf", "*", "?", "#", "a=b,c;d", "tab\u00a0nbsp",
		"zażółć", "漢字", "ελληνικά", "e\u0301 and é", strings.Repeat("n", 255), strings.Repeat("ü", 127),
	} {
		create(t, c, "/"+name, fmt.Sprint(i, "\n"), zk.FlagPersistent)
		quoted := "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
		got := m.sh(t, "until [ -e ./"+quoted+" ]; do :; done; cat ./"+quoted+"; ls | head -c -1; rm ./"+quoted+"; printf made > ./"+quoted)
		if want := fmt.Sprint(i, "\n", name); got != want {
			t.Errorf("%q: printed %q, want %q", name, got, want)
		}
		if data, _, err := c.Get("/" + name); err != nil || string(data) != "made" {
			t.Errorf("%q: %q, %v", name, data, err)
		}
		m.sh(t, "mv ./"+quoted+" moved; mkdir ./"+quoted+"; rmdir ./"+quoted+"; rm moved")
	}
}

// Names that ZooKeeper refuses are EINVAL, and say so before anything is sent.
func TestNamesThatCanNotBe(t *testing.T) {
	t.Parallel()
	m, c := mountShared(t)
	for _, name := range []string{`a\nb`, `\001`, `tab\t`, `\x7f`, `\xc2\x80`, `\xff\xfe`, `\xf0\x9f\x98\x80`, `\xee\x80\x80`, `\xef\xbf\xbf`} {
		for _, script := range []string{`mkdir "$name"`, `touch "$name"`, `echo x > "$name"`, `touch f; perl -e 'rename "f", $ARGV[0] or die $!' "$name"`} {
			out, err := m.try(`name=$(printf '` + name + `_'); name=${name%_}; ` + script)
			if err == nil || !strings.Contains(out, "Invalid argument") {
				t.Errorf("%s with %s: error %v, printed %q", script, name, err, out)
			}
		}
		if out := m.sh(t, `name=$(printf '`+name+`_'); name=${name%_}; [ ! -e "$name" ] && echo missing`); out != "missing\n" {
			t.Errorf("%s: %q", name, out)
		}
	}
	if children, _, err := c.Children("/"); err != nil || len(children) != 1 || children[0] != "f" {
		t.Errorf("there are %q, %v", children, err)
	}
}

// A name may have more bytes than NAME_MAX in ZooKeeper. It is listed and can be used, as far as the kernel passes it on.
func TestLongNames(t *testing.T) {
	t.Parallel()
	m, c := mountShared(t)
	for _, length := range []int{256, 1000, 1024} {
		name := strings.Repeat("n", length)
		create(t, c, "/"+name, "data", zk.FlagPersistent)
		if got := m.sh(t, "until [ -e "+name+" ]; do :; done; cat "+name+"; ls; rm "+name); got != "data"+name+"\n" {
			t.Errorf("%d bytes: %q", length, got)
		}
	}
	// What can not be passed on does not keep the rest from being listed.
	create(t, c, "/"+strings.Repeat("n", 5000), "", zk.FlagPersistent)
	create(t, c, "/short", "", zk.FlagPersistent)
	if got := m.sh(t, "until [ -e short ]; do :; done; ls"); got != "short\n" {
		t.Errorf("with a name of 5000 bytes: %q", got)
	}
}
