package main

import (
	"io"
	"os"
	"strings"
	"testing"
)

// The manual in docs is what the program says: make manual writes it.
func TestManual(t *testing.T) {
	for _, page := range []string{"zkfs.1", "zkfs-mount.8"} {
		var out, man strings.Builder
		if code := run(t.Context(), []string{"manual", "--markdown", page}, stdio{nil, &out, io.Discard}); code != exitOK {
			t.Fatalf("%s: exit code %d", page, code)
		}
		text, err := os.ReadFile("../../docs/" + page + ".md")
		if err != nil {
			t.Fatal(err)
		}
		if out.String() != string(text) {
			t.Errorf("docs/%s.md is out of date: run make manual", page)
		}
		if code := run(t.Context(), []string{"manual", page}, stdio{nil, &man, io.Discard}); code != exitOK {
			t.Fatalf("%s: exit code %d", page, code)
		}
		for _, part := range []string{".TH zkfs", ".SH SYNOPSIS", ".SH EXIT STATUS", "auth-file"} {
			if !strings.Contains(strings.ReplaceAll(man.String(), `\-`, "-"), part) {
				t.Errorf("%s lacks %q", page, part)
			}
		}
	}
}
