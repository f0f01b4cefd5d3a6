package fs

import (
	"slices"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/zk"
)

func TestPathsOfFilesAndZnodes(t *testing.T) {
	for file, znode := range map[string]string{
		"/":                  "/",
		"/a":                 "/a",
		"/a/b c":             "/a/b c",
		"/a/%2Edata/b":       "/a/.data/b",
		"/a/%252Elock":       "/a/%2Elock",
		"/%2Estatus":         "/.status",
		"/a/.status":         "/a/.status",
		"/deploy.lock/lock-": "/deploy.lock/lock-",
	} {
		if got, ok := ZnodePath(file); got != znode || !ok {
			t.Errorf("ZnodePath(%q) = %q, %v, want %q", file, got, ok, znode)
		}
		if got := FilePath(znode); got != file {
			t.Errorf("FilePath(%q) = %q, want %q", znode, got, file)
		}
	}
	for file, znode := range map[string]string{"/.data": "/", "/a/.data": "/a", "/a/b/.lock": "/a/b"} {
		if got, ok := ZnodePath(file); got != znode || !ok {
			t.Errorf("ZnodePath(%q) = %q, %v, want %q", file, got, ok, znode)
		}
	}
	for _, file := range []string{"/.status", "/a/.data/b", "/a/\x01", "/a//b"} {
		if got, ok := ZnodePath(file); ok {
			t.Errorf("ZnodePath(%q) = %q, want none", file, got)
		}
	}
}

func TestLockPath(t *testing.T) {
	for _, tt := range []struct{ path, suffix, want string }{
		{"/x.lock", "", "/x.lock"},
		{"/f", "", "/f.lock"},
		{"/d/f", ".lck", "/d/f.lck"},
		{"/d/x.lck", ".lck", "/d/x.lck"},
		{"/d/.lock", "", "/d"},
		{"/.lock", "", "/"},
		{"/d/.data", "", "/d/.data.lock"},
		{"/d/%2Edata", "", "/d/.data.lock"},
		{"/", "", ""},
		{"/.data/f", "", ""},
		{"/.status", "", ""},
		{"/d/../f", "", ""},
		{"/d\x01/f", "", ""},
	} {
		if got, ok := LockPath(tt.path, tt.suffix); got != tt.want || ok != (tt.want != "") {
			t.Errorf("LockPath(%q, %q) is %q, %v, want %q", tt.path, tt.suffix, got, ok, tt.want)
		}
	}
}

// A file of a mount stands for one znode, and the znode for that file. Names are valid here if they are to the client.
func FuzzPaths(f *testing.F) {
	for _, path := range []string{"/", "/a/b", "/a/.data", "/%2Edata/%252Elock", "/.status", "/a//b", "/../x", "/\U0001F600", "/a/.lock"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		path = "/" + strings.Trim(path, "/")
		_, _, err := zk.ParseConnectString("host" + path)
		valid := path == "/" || !slices.ContainsFunc(strings.Split(path[1:], "/"), func(name string) bool {
			return !names.Valid(name)
		})
		if valid != (err == nil) {
			t.Errorf("%q: %v here, %v", path, valid, err)
		}
		LockPath(path, "")
		if znode, ok := ZnodePath(path); ok {
			if _, _, err := zk.ParseConnectString("host" + znode); err != nil {
				t.Errorf("the file %q shows the znode %q: %v", path, znode, err)
			}
		}
		if valid {
			if znode, ok := ZnodePath(FilePath(path)); !ok || znode != path {
				t.Errorf("the znode %q is shown as %q, which shows %q, %v", path, FilePath(path), znode, ok)
			}
		}
	})
}
