package fs

import "testing"

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
