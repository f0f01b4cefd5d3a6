package archive_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/zkfs/zkfs/internal/archive"
	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/zk"
)

var acl = []zk.ACL{{Perms: zk.PermRead, Scheme: "x509", ID: "CN=a,O=b"}}

// sample is a tree with everything that an archive tells apart, in the order of cut.Compare.
func sample() []*cut.Record {
	file := zk.Stat{Czxid: 7, Mzxid: 8, Mtime: 1700000000123, Version: 1}
	dir := zk.Stat{Czxid: 7, Mzxid: 7, Cversion: 5, NumChildren: 3}
	mortal := file
	mortal.EphemeralOwner = -5
	records := []*cut.Record{
		{Path: "/", Stat: dir, ACL: acl, Sequence: 4},
		{Path: "/.data", Data: []byte("a child of that name"), Stat: file, ACL: acl},
		{Path: "/.zkfs-archive", Data: []byte{}, Stat: file, ACL: acl},
		{Path: "/.zkfs-end", Stat: file, ACL: acl},
		{Path: "/d", Data: []byte("of a directory"), Stat: dir, ACL: acl, Sequence: cut.Unknown},
		{Path: "/d/.data", Data: []byte("x"), Stat: dir, Sequence: 4, ACL: acl},
		{Path: "/d/.data/x", Data: []byte("\x00\xff"), Stat: file, ACL: acl},
		{Path: "/d/empty", Data: []byte{}, ACL: acl},
		{Path: "/d/null", ACL: acl},
		{Path: "/d/no acl", Data: []byte("x"), Stat: file},
		{Path: "/d/ü", Data: bytes.Repeat([]byte("long "), 200), Stat: mortal, ACL: acl},
		{Path: "/d-e", Data: []byte("x"), Stat: file, ACL: acl},
	}
	slices.SortFunc(records, func(a, b *cut.Record) int { return cut.Compare(a.Path, b.Path) })
	return records
}

func write(t *testing.T, records []*cut.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := archive.NewWriter(&b, archive.Header{Source: "zk1/app", Zxid: "0x7", Written: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(text []byte) (records []cut.Record, err error) {
	r, err := archive.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	for record, err := range r.Records() {
		if err != nil {
			return records, err
		}
		records = append(records, *record)
	}
	return records, nil
}

func TestRoundTrip(t *testing.T) {
	want := sample()
	got, err := read(write(t, want))
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d records, want %d, %v", len(got), len(want), err)
	}
	for i, r := range got {
		if show(&r) != show(want[i]) {
			t.Errorf("got  %s\nwant %s", show(&r), show(want[i]))
		}
	}
}

func show(r *cut.Record) string { return fmt.Sprintf("%#v", *r) }

// What tar sees: the names and contents of a mount.
func TestMembers(t *testing.T) {
	r := tar.NewReader(bytes.NewReader(write(t, sample())))
	var names []string
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
	}
	want := []string{".zkfs-archive", "./", "%2Edata", "%2Ezkfs-archive", "%2Ezkfs-end", "d/", "d/.data",
		"d/%2Edata/", "d/%2Edata/.data", "d/%2Edata/x", "d/empty/", "d/no acl", "d/null/", "d/ü", "d-e", ".zkfs-end"}
	if !slices.Equal(names, want) {
		t.Errorf("got  %q\nwant %q", names, want)
	}
}

// An archive that ends anywhere, or in which any byte is another, is not taken for a whole one.
func TestDamage(t *testing.T) {
	whole := write(t, sample())
	end := bytes.LastIndex(whole, []byte("}")) // behind it stands nothing that counts
	for n := 0; n < end; n += 101 {
		if _, err := read(whole[:n]); err == nil {
			t.Errorf("cut after %d bytes: no error", n)
		}
	}
	want, err := read(whole)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < end; n += 61 {
		damaged := bytes.Clone(whole)
		damaged[n] ^= 0x10
		got, err := read(damaged)
		if err == nil && fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("byte %d is another, and nothing is said", n)
		}
	}
	if _, err := read([]byte("no tar")); !errors.Is(err, archive.ErrNotArchive) {
		t.Errorf("another file: %v", err)
	}
}
