package printable

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		"/app/a b":                 "/app/a b",
		`C:\new`:                   `C:\new`,
		"日本\u3000ä\u00a0😀":         "日本\u3000ä\u00a0😀",
		"\x1b[2J":                  `\x1b[2J`,
		"\x1b]0;title\a":           `\x1b]0;title\a`,
		"a\rb\nc\td\x00":           `a\rb\nc\td\x00`,
		"\x7f":                     `\x7f`,
		"\u0085\u009b31m":          `\u0085\u009b31m`,
		"\x9b31m":                  `\x9b31m`,
		"a\u202ecba":               `a\u202ecba`,
		"\u202a\u202b\u202c\u202d": `\u202a\u202b\u202c\u202d`,
		"\u2066\u2067\u2068\u2069": `\u2066\u2067\u2068\u2069`,
		"\u200e\u200f\u061c":       `\u200e\u200f\u061c`,
		"\u2028\u2029\ufeff\u200b": `\u2028\u2029\ufeff\u200b`,
		"\xff\xe3\x80":             `\xff\xe3\x80`,
		"\ufffd":                   "\ufffd",
		"\U000e0041":               `\U000e0041`,
	} {
		if got := Line(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	const text = "zk_version\t3.8.0\r\nMode: \x1b[31mleader\u202e\nlast\rline"
	if got, want := Lines(text), "zk_version\t3.8.0\nMode: \\x1b[31mleader\\u202e\nlast\\rline"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// JSON stays exact: a program reads what was written.
func TestJSON(t *testing.T) {
	value := map[string]string{"path": "/a\u202eb\u009b\x7f\u3000日\U000e0041\U0001f600\x1b\u2028\n"}
	var b bytes.Buffer
	e := json.NewEncoder(JSON(&b))
	e.SetIndent("", "  ")
	if err := e.Encode(value); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.String() {
		if r != '\n' && !unicode.IsGraphic(r) {
			t.Errorf("%U in %q", r, b.String())
		}
	}
	if !strings.Contains(b.String(), "\u3000日") {
		t.Errorf("escapes what is harmless: %s", b.String())
	}
	var got map[string]string
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got["path"] != value["path"] {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[2J\u202e\r\n\tb\xff")
	f.Fuzz(func(t *testing.T, text string) {
		line, lines := Line(text), Lines(text)
		for _, r := range line {
			if !unicode.IsGraphic(r) {
				t.Errorf("%U in %q of %q", r, line, text)
			}
		}
		for _, r := range lines {
			if !unicode.IsGraphic(r) && r != '\n' && r != '\t' {
				t.Errorf("%U in %q of %q", r, lines, text)
			}
		}
		if Line(line) != line || Lines(lines) != lines {
			t.Errorf("%q changes the second time", text)
		}
		if !utf8.ValidString(text) {
			return
		}
		var b bytes.Buffer
		if err := json.NewEncoder(JSON(&b)).Encode(text); err != nil {
			t.Fatal(err)
		}
		var got string
		if err := json.Unmarshal(b.Bytes(), &got); err != nil || got != text {
			t.Errorf("%q through JSON: %q, %v", text, got, err)
		}
	})
}
