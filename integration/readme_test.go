package integration

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// record puts what was printed into the README instead of comparing it.
var record = flag.Bool("record-session", false, "write the session of the README anew")

// The session that the README shows is typed again. What a machine or a moment decides may differ: times, zxids,
// sessions, users, the holder of a lock.
func TestSessionOfTheREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```console\n")
	want, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("no session in the README")
	}
	ts := cluster(t, 1, nil)
	server := addr(ts.Servers[0])
	got := strings.ReplaceAll(typed(t, strings.ReplaceAll(want, "localhost:2181", server)), server, "localhost:2181")
	if *record {
		got = regexp.MustCompile(`bash: line \d+: `).ReplaceAllString(got, "bash: ")
		if err := os.WriteFile("../README.md", []byte(strings.Replace(string(readme), want, got, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, want := timeless(got), timeless(want); got != want {
		t.Errorf("the session differs:\n%s\nREADME:\n%s\nif it is right now: make session", got, want)
	}
}

// typed runs the commands of a session in a shell and returns the session as it is then.
func typed(t *testing.T, session string) string {
	t.Helper()
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for line := range strings.Lines(session) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			command = strings.TrimSuffix(command, "\n")
			script.WriteString("cat <<'PROMPT'\n$ " + command + "\nPROMPT\n" + command + "\n")
		}
	}
	dir := t.TempDir()
	point := filepath.Join(dir, "zk")
	if err := os.Mkdir(point, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if isMounted(point) {
			t.Error("still mounted")
			exec.Command("umount", "-l", point).Run()
		}
	})
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script.String())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(path)+":"+os.Getenv("PATH"), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// timeless replaces what differs from run to run.
func timeless(session string) string {
	for _, r := range []struct{ pattern, with string }{
		{`0x[0-9a-f]+`, "0x0"},
		{`\d{4}-\d\d-\d\dT[0-9:.]+Z`, "TIME"},
		{`[A-Z][a-z]{2} [ \d]\d \d\d:\d\d`, "TIME"},
		{`(-rw-r--r--) 1 +\S+ +\S+ +`, "$1 1 USER GROUP "},
		{`exclusive .*`, "exclusive HOLDER"},
		{`bash: line \d+: `, "bash: "},
	} {
		session = regexp.MustCompile(r.pattern).ReplaceAllString(session, r.with)
	}
	return session
}
