package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

// impossible are values that no flag of a kind accepts, by the name of the kind.
var impossible = map[string][]string{
	"TIME":    {"-1", "-1s", "soon", "", "1x", "1e300", "NaN", "Inf", "9999999h"},
	"BYTES":   {"-1", "0", "0K", "", "K", "many", "1X", "1KK", "NaN", "Inf", "1e30", "9223372036854775807G"},
	"USER":    {"-1", "", "no such user", "4294967295", "4294967296", "1.5"},
	"GROUP":   {"-1", "", "no such group", "4294967295", "4294967296", "1.5"},
	"MASK":    {"-1", "", "999", "1000", "u=rw", "0o22"},
	"WORD":    {"", "maybe", "TREE", "tree,node", "-1"},
	"ADDRESS": {"localhost", ":99999", "localhost:-1", "9141", "a:b:c"},
	"SUFFIX":  {"a/b", "/", "a\x00"},
	"ACL":     {"", "world", "world:anyone", "world:anyone:x", "Inherit"},
	"N":       {"-1", "", "x", "1.5", "2147483648"},
	"LIMIT":   {"-1", "", "many", "1X", "None", "NaN"},
	"FILE":    {"/no/such/folder/file"},
	"PORT":    {"", "0", "-1", "65536", "http"},
}

// impossibleOf are those of single flags.
var impossibleOf = map[string][]string{
	"session-timeout": {"0", "0s", "1us", "600h", "2147483648ms"},
	"timeout":         {"0"},
	"max-age":         {"0s"},
	"connect-timeout": {"0"},
	"max-data":        {"2G", "2147483647"},
	"server":          {",", "zk1:0", "zk1:99999", "zk1:x", "zk1//a", "/app"},
}

// free are the flags that accept any text.
var free = []string{
	"add", "check", "context", "exec", "lock-note", "members", "remove", "sasl-principal", "tls-server-name",
}

// No value that can not be is taken, whichever flag it is given for, and the message names the flag.
func TestImpossibleValues(t *testing.T) {
	t.Setenv(authVariable, "")
	dir := t.TempDir()
	names := map[string][]string{
		"mount": {"127.0.0.1:1", dir, "-f"}, "status": {"127.0.0.1:1"}, "watch": {"127.0.0.1:1"},
		"lock": {"/x.lock", "true"}, "umount": {dir},
		"get": {"/x"}, "set": {"/x", "data"}, "create": {"/x"}, "rm": {"/x"}, "ls": {"/x"}, "stat": {"/x"},
		"acl": {"get", "/x"}, "quota": {"get", "/x"}, "ephemerals": {"/x"},
		"register": {"/x", "--", "true"}, "sessions": {"127.0.0.1:1"}, "holders": {"/x"},
		"export": {"127.0.0.1:1"}, "import": {os.DevNull, "127.0.0.1:1"},
		"diff": {"127.0.0.1:1", "127.0.0.1:1"}, "clone": {"127.0.0.1:1", "127.0.0.1:1"},
		"push": {".", "127.0.0.1:1"}, "pull": {"127.0.0.1:1", "."}, "mirror": {"127.0.0.1:1", "."},
	}
	needed := map[string][]string{
		"sasl-keytab": {"--sasl=gssapi", "--sasl-principal=bob"},
	}
	seen := 0
	for _, cmd := range (&command{}).app().Commands {
		for _, f := range cmd.Flags {
			flag := f.Names()[0]
			values := []string{"perhaps"} // of those that are true or false
			if v, ok := f.(*valued); ok {
				values = slices.Concat(impossible[v.kind.name], impossibleOf[flag])
			}
			if flag == "o" || slices.Contains(free, flag) {
				continue
			}
			if len(values) == 0 {
				t.Errorf("%s --%s: there is no impossible value", cmd.Name, flag)
			}
			for _, value := range values {
				seen++
				args := slices.Concat([]string{cmd.Name}, needed[flag])
				if findFlag(cmd.Flags, "server") != nil && flag != "server" {
					args = append(args, "--server=127.0.0.1:1")
				}
				args = slices.Concat(args, []string{"--" + flag + "=" + value}, names[cmd.Name])
				var stderr strings.Builder
				code := run(t.Context(), args, stdio{strings.NewReader(""), io.Discard, &stderr})
				want := exitUsage
				if cmd.Name == "diff" {
					want = diffTrouble
				}
				if code != want || !strings.Contains(stderr.String(), "-"+flag) && flag != "server" {
					t.Errorf("zkfs %q: exit code %d\n%s", args, code, stderr.String())
				}
			}
		}
	}
	if seen < 250 {
		t.Errorf("only %d values were tried", seen)
	}
}

// Defaults are possible.
func TestDefaultsAreOfTheirKind(t *testing.T) {
	for _, cmd := range (&command{}).app().Commands {
		for _, f := range cmd.Flags {
			if v, ok := f.(*valued); ok && v.Value != "" && !v.kind.accepts(v.Value) {
				t.Errorf("%s --%s: %q", cmd.Name, v.Name, v.Value)
			}
		}
	}
}

// No variable of a flag is one that holds secrets, or that tells a command what happened.
func TestVariablesOfFlags(t *testing.T) {
	taken := []string{authVariable, zxidVariable, "ZKFS_EVENT", "ZKFS_PATH", "ZKFS_FILE"}
	for _, cmd := range (&command{}).app().Commands {
		for _, f := range cmd.Flags {
			if slices.Contains(taken, variableOf(f.Names()[0])) {
				t.Errorf("%s --%s is %s", cmd.Name, f.Names()[0], variableOf(f.Names()[0]))
			}
			switch f.(type) {
			case *valued, *cli.BoolFlag:
			default:
				if f.Names()[0] != "o" {
					t.Errorf("%s --%s can not be a variable", cmd.Name, f.Names()[0])
				}
			}
		}
	}
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"10": 10 * time.Second, "1.5": 1500 * time.Millisecond, "2m": 2 * time.Minute, "1m30s": 90 * time.Second,
	} {
		if got, err := parseTime(text); got != want || err != nil {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int{
		"1": 1, "512": 512, "1k": 1024, "1K": 1024, "64kB": 64 << 10, "64 KiB": 64 << 10, "256M": 256 << 20,
		"256mb": 256 << 20, "1.5GiB": 3 << 29, "1g": 1 << 30, "1T": 1 << 40, "100B": 100, "1e6": 1000000,
	} {
		if got, err := parseSize(text); got != want || err != nil {
			t.Errorf("%s is %d, %v", text, got, err)
		}
	}
}

// Where other users act with the credentials of the mount nothing is theirs unless the user says so.
func TestUmask(t *testing.T) {
	for flags, want := range map[string]uint32{
		"": 0o022, "--allow-other": 0o077, "--umask=0 --allow-other": 0, "--umask=027": 0o027,
	} {
		cmd := (&command{}).mountCommand()
		cmd.Action = func(c *cli.Context) error {
			if got := fsOptions(c).Umask; got != want {
				t.Errorf("%s: %o", flags, got)
			}
			return nil
		}
		app := &cli.App{Commands: []*cli.Command{cmd}}
		if err := app.Run(append([]string{"zkfs", "mount"}, strings.Fields(flags)...)); err != nil {
			t.Fatal(err)
		}
	}
}
