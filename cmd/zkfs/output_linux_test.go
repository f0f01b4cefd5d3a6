package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// openTerminal returns both ends of a terminal.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// Names that other clients have chosen are exact for a program, and harmless on a terminal.
func TestHostileNames(t *testing.T) {
	const name = "/app\u202egnp.exe\u2066\u200f\u2028b"
	server := zktest.NewServer()
	defer server.Close()
	conn, _, err := zk.Connect([]string{server.Addr()}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Create(name, nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"ls /", "ls --json /", "ls -R /", "ephemerals /", "ephemerals " +
		"--json /"} {
		args := append(strings.Fields(line), "--server="+server.Addr())
		var exact, stderr strings.Builder
		if code := run(t.Context(), args, stdio{nil, &exact, &stderr}); code != exitOK {
			t.Fatalf("%s: exit code %d: %s", line, code, stderr.String())
		}
		if strings.Contains(line, "--json") {
			harmless(t, line, exact.String())
		} else if !strings.Contains(exact.String(), name[1:]+"\n") {
			t.Errorf("%s: a program gets %q", line, exact.String())
		}
		person, program := openTerminal(t)
		run(t.Context(), args, stdio{nil, program, &stderr})
		io.WriteString(program, "end\n")
		b := make([]byte, 4096)
		shown := ""
		for !strings.Contains(shown, "end\r\n") {
			n, err := person.Read(b)
			if err != nil {
				t.Fatal(err)
			}
			shown += string(b[:n])
		}
		harmless(t, line, strings.ReplaceAll(shown, "\r\n", "\n"))
		if !strings.Contains(shown, `u202egnp.exe`) {
			t.Errorf("%s: the terminal shows %q", line, shown)
		}
	}
}
