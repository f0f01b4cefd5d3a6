package zk

import (
	"errors"
	"slices"
	"testing"
)

func TestValidatePath(t *testing.T) {
	for path, ok := range map[string]bool{
		"/":             true,
		"/a":            true,
		"/a/b.c/..d":    true,
		"/ä/日本/a b/%2F": true,
		"":              false,
		"a":             false,
		"/a/":           false,
		"//a":           false,
		"/a//b":         false,
		"/.":            false,
		"/a/../b":       false,
		"/a/..":         false,
		"/a\x00b":       false,
		"/a\nb":         false,
		"/\x7f":         false,
		"/\u0085":       false,
		"/\ue000":       false,
		"/\ufffd":       false,
		"/😀":            false, // a pair of surrogates for the server
		"/\xff":         false,
	} {
		if err := validatePath(path); (err == nil) != ok || err != nil && !errors.Is(err, ErrInvalidPath) {
			t.Errorf("%q: %v, want valid %v", path, err, ok)
		}
	}
}

func TestChroot(t *testing.T) {
	c := chroot("/app")
	for path, server := range map[string]string{"/": "/app", "/a": "/app/a", "/a/b": "/app/a/b"} {
		if got := c.withChroot(path); got != server {
			t.Errorf("%s on the server: %s, want %s", path, got, server)
		}
		if got, ok := c.clientPath(server); got != path || !ok {
			t.Errorf("%s of the server: %s, %v, want %s", server, got, ok, path)
		}
	}
	if got, ok := c.clientPath("/apple"); ok {
		t.Errorf("/apple is not below /app, but came back as %s", got)
	}
}

func TestParseConnectString(t *testing.T) {
	for s, want := range map[string]struct {
		servers []string
		chroot  string
		ok      bool
	}{
		"a":               {[]string{"a"}, "", true},
		"a:1,b":           {[]string{"a:1", "b"}, "", true},
		"a:1,b:2/":        {[]string{"a:1", "b:2"}, "", true},
		"[::1]:2181,b/x":  {[]string{"[::1]:2181", "b"}, "/x", true},
		"a/app/sub":       {[]string{"a"}, "/app/sub", true},
		"":                {nil, "", false},
		"/app":            {nil, "", false},
		"a,,b":            {nil, "", false},
		"a/app/":          {nil, "", false},
		"a/app/../secret": {nil, "", false},
	} {
		servers, chroot, err := ParseConnectString(s)
		if !slices.Equal(servers, want.servers) || chroot != want.chroot || (err == nil) != want.ok {
			t.Errorf("%q: %q, %q, %v", s, servers, chroot, err)
		}
	}
}
