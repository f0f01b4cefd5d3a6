package main

import (
	"slices"
	"strings"
	"testing"
)

func TestParseCredentials(t *testing.T) {
	tests := []struct {
		text string
		want []string // with a bar between scheme and secret
	}{
		{"", nil},
		{"# a comment\n\n \t\n\r\n  # another", nil},
		{"digest:bob:pw", []string{"digest|bob:pw"}},
		{"  digest:bob:s:p\\ace \nsasl:al:pw\n", []string{`digest|bob:s:p\ace `, "sasl|al:pw"}},
		{"digest:bob:pw\r\n# c\r\ndigest:al:pw\t\r\n", []string{"digest|bob:pw", "digest|al:pw\t"}},
		{"digest:bob:pw\u00a0\u3000\n", []string{"digest|bob:pw\u00a0\u3000"}},
		{"digest:bob:pw\r\r\n", []string{"digest|bob:pw\r"}},
		{"digest:bob:\xff\xfe\n", []string{"digest|bob:\xff\xfe"}},
	}
	for _, tt := range tests {
		list, err := parseCredentials("test", tt.text)
		var got []string
		for _, c := range list {
			got = append(got, c.Scheme+"|"+string(c.Auth))
		}
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q, error %v, want %q", tt.text, got, err, tt.want)
		}
	}
}

func TestBadCredentialsAreNotShown(t *testing.T) {
	for _, text := range []string{"secret", ":secret", "digest:", "digest:a:b\n\nsecret\n"} {
		_, err := parseCredentials("test", text)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}
