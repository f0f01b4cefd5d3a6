package main

import (
	"strings"
	"testing"
)

func TestWalk(t *testing.T) {
	links := map[string]string{"/link": "real/sub", "/real/up": "..", "/real/abs": "/x", "/loop": "loop"}
	for path, want := range map[string]string{
		"/link/..": "/real", "/link/../..": "/", "/real/up/..": "/", "/real/abs/../y": "/y",
		"/link/../up/link/./..": "/real", "//a//b/../..": "/", "/loop/..": "/", "/../a": "/a",
	} {
		got := walk(strings.Split(path, "/"), func(name string) string { return links[name] })
		if got != want {
			t.Errorf("%s leads to %s, want %s", path, got, want)
		}
	}
}
