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
