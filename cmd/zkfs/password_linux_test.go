package main

import (
	"bufio"
	"io"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A password is asked for twice and is not shown. Afterwards the terminal shows again what is
// typed.
func TestPasswordAtATerminal(t *testing.T) {
	for _, tt := range []struct {
		second string
		want   string // or a part of the error
	}{
		{"secret", "secret"},
		{"other", "the two passwords differ"},
	} {
		person, program := openTerminal(t)
		prompts, show := io.Pipe()
		go func() { // ends with the prompts
			lines := bufio.NewReader(prompts)
			for _, typed := range []string{"secret", tt.second} {
				for seen := ""; !strings.HasSuffix(seen, "bob: ") && !strings.HasSuffix(seen, "more: "); {
					b, err := lines.ReadByte()
					if err != nil {
						return
					}
					seen += string(b)
				}
				io.WriteString(person, typed+"\n")
			}
			io.Copy(io.Discard, prompts)
		}()
		p := passwords{z: &command{stdio: stdio{in: program, err: show}}}
		got, err := p.of("bob")
		show.Close()
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.second, got, tt.want)
		}
		settings, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
		if err != nil || settings.Lflag&unix.ECHO == 0 {
			t.Errorf("the terminal does not show what is typed: %v", err)
		}
		io.WriteString(program, "end")
		b := make([]byte, 100)
		shown := ""
		for !strings.Contains(shown, "end") {
			n, err := person.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			shown += string(b[:n])
		}
		if strings.Contains(shown, "secret") || strings.Contains(shown, "other") {
			t.Errorf("the terminal shows %q", shown)
		}
	}
}
