package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "auth")
	if err := os.WriteFile(file, []byte("# a comment\n\n  digest:bob:s:p\\ace \nsasl:al:pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := credentials("ip:x\ndigest:al:pw", file)
	want := []credential{{"ip", "x"}, {"digest", "al:pw"}, {"digest", `bob:s:p\ace`}, {"sasl", "al:pw"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, error %v\nwant %q", got, err, want)
	}
}

func TestBadCredentialsAreNotShown(t *testing.T) {
	for _, text := range []string{"secret", ":secret", "digest:", "digest:a:b\n\nsecret\n"} {
		_, err := credentials(text, "")
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

func TestUmask(t *testing.T) {
	tests := []struct {
		text       string
		allowOther bool
		want       uint32
		ok         bool
	}{
		{"", false, 0o022, true},
		{"", true, 0o077, true},
		{"0", true, 0, true},
		{"027", false, 0o027, true},
		{"1000", false, 0, false},
		{"u=rw", false, 0, false},
		{"-1", false, 0, false},
	}
	for _, tt := range tests {
		got, err := umask(tt.text, tt.allowOther)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("umask(%q, %v) = %o, %v", tt.text, tt.allowOther, got, err)
		}
	}
}
