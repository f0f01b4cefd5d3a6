package xattr

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// znode is a source that counts what it is asked for.
type znode struct {
	stat  zk.Stat
	acl   []zk.ACL
	lock  Lock
	err   error
	asked []string
}

func (z *znode) ask(what string) error {
	z.asked = append(z.asked, what)
	return z.err
}

func (z *znode) Path() string              { return "/app/config" }
func (z *znode) Type() (string, error)     { return TypeDirectory, z.ask("type") }
func (z *znode) Stat() (*zk.Stat, error)   { return &z.stat, z.ask("stat") }
func (z *znode) ACL() ([]zk.ACL, error)    { return z.acl, z.ask("acl") }
func (z *znode) Descendants() (int, error) { return 12, z.ask("descendants") }
func (z *znode) Lock() (Lock, error)       { return z.lock, z.ask("lock") }

func TestGet(t *testing.T) {
	z := &znode{stat: example, acl: zk.WorldACL(zk.PermAll), lock: Lock{Queue: 2, Zxid: 0x1c, Holder: "web1 4711\n\"deploy\""}}
	want := map[string]string{
		"user.zk.acl":            "world:anyone:cdrwa",
		"user.zk.stat":           exampleText,
		"user.zk.czxid":          "0x200000002",
		"user.zk.mzxid":          "0x300000003",
		"user.zk.ctime":          "2024-02-12T20:59:03.120Z",
		"user.zk.mtime":          "2024-02-12T21:00:00.000Z",
		"user.zk.version":        "4",
		"user.zk.cversion":       "-5",
		"user.zk.aversion":       "6",
		"user.zk.ephemeralOwner": "0xc800001203120001",
		"user.zk.dataLength":     "8",
		"user.zk.numChildren":    "9",
		"user.zk.pzxid":          "0xa",
		"user.zk.path":           "/app/config",
		"user.zk.descendants":    "12",
		"user.zk.type":           "directory",
		"user.zk.lock":           `queue=2 zxid=0x1c holder="web1 4711\n\"deploy\""`,
	}
	for name, value := range want {
		if got, err := Get(name, z); err != nil || got != value {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, value)
		}
	}
	if len(table) != len(want) {
		t.Errorf("the table has %d rows, this test %d", len(table), len(want))
	}
	z.lock = Lock{}
	if got, err := Get("user.zk.lock", z); err != nil || got != "queue=0" {
		t.Errorf("a free lock: got %q, %v", got, err)
	}
}

// Reading an attribute asks for what its value needs and for nothing else; a name that
// is not ours, such as those that ls and cp ask every file for, asks for nothing.
func TestGetAsksForNoMoreThanItNeeds(t *testing.T) {
	for name, want := range map[string][]string{
		"user.zk.acl":             {"acl"},
		"user.zk.stat":            {"stat"},
		"user.zk.version":         {"stat"},
		"user.zk.descendants":     {"descendants"},
		"user.zk.lock":            {"lock"},
		"user.zk.path":            nil,
		"user.zk.type":            {"type"},
		"user.zk.color":           nil,
		"security.capability":     nil,
		"system.posix_acl_access": nil,
		"":                        nil,
	} {
		z := &znode{}
		_, err := Get(name, z)
		if !slices.Equal(z.asked, want) {
			t.Errorf("%s: asked for %q; want %q", name, z.asked, want)
		}
		if _, known := Lookup(name); known != (err == nil) || !known && err != ErrAbsent {
			t.Errorf("%s: known %v, %v", name, known, err)
		}
	}
}

func TestGetReturnsTheSourcesError(t *testing.T) {
	away := errors.New("no server")
	for _, a := range table {
		z := &znode{err: away}
		if _, err := Get(a.Name, z); len(z.asked) > 0 && err != away {
			t.Errorf("%s: got %v", a.Name, err)
		}
	}
}

func TestList(t *testing.T) {
	if got, want := List(), []string{"user.zk.acl", "user.zk.stat"}; !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
}

// Every attribute that is not named here is WriteNever.
func TestWrite(t *testing.T) {
	writable := map[string]struct {
		write     Write
		good, bad string
	}{
		"user.zk.acl":  {WriteACL, "world:anyone:r", "world:anyone"},
		"user.zk.stat": {WriteIgnored, exampleText, "czxid=0x2"},
		"user.zk.type": {WriteType, "file", "symlink"},
	}
	for _, a := range table {
		w := writable[a.Name]
		if a.Write != w.write {
			t.Errorf("%s: write %d; want %d", a.Name, a.Write, w.write)
		}
		if a.Write == WriteNever {
			if err := a.Check("0x2"); err == nil {
				t.Errorf("%s can be set", a.Name)
			}
			continue
		}
		if err := a.Check(w.good); err != nil {
			t.Errorf("%s: %q: %v", a.Name, w.good, err)
		}
		if err := a.Check(w.bad); err == nil {
			t.Errorf("%s: %q is accepted", a.Name, w.bad)
		}
	}
}

// The attributes of single fields are all fields of Stat, in its order, under its names but for the first letter.
func TestFieldsAreThoseOfStat(t *testing.T) {
	stat := reflect.TypeFor[zk.Stat]()
	var want, got []string
	for i := range stat.NumField() {
		name := stat.Field(i).Name
		want = append(want, strings.ToLower(name[:1])+name[1:])
	}
	for _, f := range fields {
		got = append(got, f.name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
}
