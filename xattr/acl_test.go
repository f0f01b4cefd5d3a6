package xattr

import (
	"slices"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

func TestACLText(t *testing.T) {
	for text, acl := range map[string][]zk.ACL{
		"world:anyone:cdrwa": {{Perms: zk.PermAll, Scheme: "world", ID: "anyone"}},
		"world:anyone:":      {{Perms: 0, Scheme: "world", ID: "anyone"}},
		"auth::cdrwa":        {{Perms: zk.PermAll, Scheme: "auth", ID: ""}},
		"digest:bob:S1lwZW5yb3NlIHRpbGluZw==:cr,world:anyone:r": {
			{Perms: zk.PermCreate | zk.PermRead, Scheme: "digest", ID: "bob:S1lwZW5yb3NlIHRpbGluZw=="},
			{Perms: zk.PermRead, Scheme: "world", ID: "anyone"},
		},
		"ip:fe80::1/64:rw":     {{Perms: zk.PermRead | zk.PermWrite, Scheme: "ip", ID: "fe80::1/64"}},
		`x509:CN=a\,O=b\\c:da`: {{Perms: zk.PermDelete | zk.PermAdmin, Scheme: "x509", ID: `CN=a,O=b\c`}},
	} {
		if got := FormatACL(acl); got != text {
			t.Errorf("%+v: got %q; want %q", acl, got, text)
		}
		if got, err := ParseACL(text); err != nil || !slices.Equal(got, acl) {
			t.Errorf("%q: got %+v, %v; want %+v", text, got, err, acl)
		}
	}
}

// Each permission has the letter that ZooKeeper's documentation gives it.
func TestPermissionLetters(t *testing.T) {
	for letter, perm := range map[string]int32{
		"r": zk.PermRead, "w": zk.PermWrite, "c": zk.PermCreate, "d": zk.PermDelete, "a": zk.PermAdmin,
	} {
		if got := FormatACL(zk.WorldACL(perm)); got != "world:anyone:"+letter {
			t.Errorf("permission %d: got %q; want letter %s", perm, got, letter)
		}
	}
	if got := FormatACL(zk.WorldACL(-1)); got != "world:anyone:cdrwa" {
		t.Errorf("unknown bits: got %q", got)
	}
}

// People write letters in any order, and shells and files add white space.
func TestParseACLIsLenient(t *testing.T) {
	want := []zk.ACL{{Perms: zk.PermRead | zk.PermWrite, Scheme: "world", ID: "anyone"}, {Perms: zk.PermAll, Scheme: "sasl", ID: "bob"}}
	got, err := ParseACL(" world:anyone:wrr,\n\tsasl:bob:rwcda\n")
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestParseACLErrors(t *testing.T) {
	for text, advice := range map[string]string{
		"":                           "write scheme:id:permissions",
		"world:anyone:r,":            "one comma between two entries",
		"cdrwa":                      `acl entry "cdrwa": write scheme:id:permissions`,
		"world:anyone":               `acl entry "world:anyone": write scheme:id:permissions`,
		":anyone:r":                  "write a scheme such as world",
		"world:bob:r":                "the only id of world is anyone",
		"digest:bob:S1lwZW5yb3NlIH=": "'S' is no permission: write letters of cdrwa",
		"world:anyone:R":             "'R' is no permission",
		`sasl:CORP\bob:r`:            `write \\ for a backslash`,
		`sasl:bob:r\`:                `write \\ for a backslash`,
	} {
		acl, err := ParseACL(text)
		if err == nil || !strings.Contains(err.Error(), advice) {
			t.Errorf("%q: got %+v, %v; want an error with %q", text, acl, err, advice)
		}
	}
}

func TestMasked(t *testing.T) {
	acl, err := ParseACL("world:anyone:r,digest:bob:x:cdrwa")
	if err != nil {
		t.Fatal(err)
	}
	if entry, ok := Masked(acl); !ok || entry != acl[1] {
		t.Errorf("got %+v, %v", entry, ok)
	}
	whole, err := ParseACL("digest:x:S1lwZW5yb3NlIHRpbGluZw==:r,sasl:bob:x:r,world:anyone:r")
	if entry, ok := Masked(whole); ok || err != nil {
		t.Errorf("got %+v, %v from entries that are whole", entry, err)
	}
}

// What is read is printed so that it is read again as the same.
func FuzzParseACL(f *testing.F) {
	for _, text := range []string{"world:anyone:cdrwa", "auth::r", `x509:CN=a\,O=b\\c:da,ip:fe80::1/64:rw`, " a:b:c , d:e: ", `\`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var acl []zk.ACL
		var err error
		frugal(t, text, func() { acl, err = ParseACL(text) })
		if err != nil {
			return
		}
		again, err := ParseACL(FormatACL(acl))
		if err != nil || !slices.Equal(again, acl) {
			t.Errorf("%q: %+v became %+v, %v", text, acl, again, err)
		}
	})
}

// Every entry that a server can hold is printed so that it is read as the same.
func FuzzFormatACL(f *testing.F) {
	f.Add("world", "anyone", int32(31), "digest", "bob:hash=", int32(1))
	f.Add("x509", `CN=a,O=b\c`, int32(0), "ip", "fe80::1/64", int32(16))
	f.Fuzz(func(t *testing.T, scheme1, id1 string, perms1 int32, scheme2, id2 string, perms2 int32) {
		acl := []zk.ACL{{Perms: perms1 & zk.PermAll, Scheme: scheme1, ID: id1}, {Perms: perms2 & zk.PermAll, Scheme: scheme2, ID: id2}}
		for _, a := range acl {
			if a.Scheme == "" || strings.TrimSpace(a.Scheme) != a.Scheme || strings.Contains(a.Scheme, ":") || a.Scheme == "world" && a.ID != "anyone" {
				return // no authentication provider has such a scheme
			}
		}
		if again, err := ParseACL(FormatACL(acl)); err != nil || !slices.Equal(again, acl) {
			t.Errorf("%+v became %+v, %v", acl, again, err)
		}
	})
}
