package integration

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
)

// Each option of the file system, on a mount of its own that has, made by another client: a file f, world-readable, and an
// ephemeral e. The script runs in the mount; what it prints, errors included, is wanted.
func TestOptions(t *testing.T) {
	t.Parallel()
	tests := []struct{ flags, script, want string }{
		{"", "stat -c '%a %u %g' f; id -u; id -g; ls -A; cat .status | grep -c ^source",
			fmt.Sprintf("644 %[1]d %[2]d\n%[1]d\n%[2]d\ne\nf\n1\n", os.Getuid(), os.Getgid())},
		{"--umask=077 --uid=1234 --gid=5678", "stat -c '%a %u %g' f .", "600 1234 5678\n700 1234 5678\n"},
		{"--ro", "cat f; echo x > f; touch new; mkdir d; rm f; setfattr -n user.zk.acl -v world:anyone:r f",
			"first\nbash: line 1: f: Read-only file system\ntouch: cannot touch 'new': Read-only file system\n" +
				"mkdir: cannot create directory ‘d’: Read-only file system\nrm: cannot remove 'f': Read-only file system\nsetfattr: f: Read-only file system\n"},
		{"--commit=write", `printf 'a\nb\nc\n' > new; getfattr --only-values -n user.zk.version new`, "2"},
		{"--commit=close", `printf 'a\nb\nc\n' > new; getfattr --only-values -n user.zk.version new`, "0"},
		{"--commit=write", `t=$(mktemp); head -c 1000000 /dev/zero > $t; cat $t > cat; cp $t cp; dd if=$t of=dd bs=1M status=none
			/usr/bin/python3 -c 'open("python", "wb").write(bytes(1000000))'; rm $t
			for i in cat cp dd python; do getfattr --only-values -n user.zk.version $i; stat -c %s $i; done`,
			"01000000\n21000000\n01000000\n01000000\n"}, // cp creates with O_EXCL, which is one version and one more
		{"-o sync", `printf 'a\nb\nc\n' > new; getfattr --only-values -n user.zk.version new`, "2"},
		{"--local=none", "touch .f.swp f~; getfattr --only-values -n user.zk.version .f.swp f~", "11"},
		{"--local=scratch", "touch .f.swp; getfattr --only-values -n user.zk.version .f.swp", ".f.swp: user.zk.version: No such attribute\n"},
		{"--no-ephemerals", "ls -A; cat e", "f\nvanishes\n"},
		{"--show-status", "ls -A; grep -c ^source .status", ".status\ne\nf\n1\n"},
		{"--lock-suffix=.lck", "mkdir x.lock; flock y.lck stat -c %a y.lck; stat -c %F x.lock", "1644\ndirectory\n"},
		{"--lock-suffix=", "mkdir x.lock y.lck; stat -c %F x.lock y.lck", "directory\ndirectory\n"},
		{"--max-data=1000", "head -c 1000 /dev/zero > most; stat -c %s most; dd if=/dev/zero of=more bs=1001 count=1 2>&1 | head -n 1; truncate -s 1001 more",
			"1000\ndd: error writing 'more': File too large\ntruncate: failed to truncate 'more' at 1001 bytes: File too large\n"},
		{"--acl=open", "setfattr -n user.zk.acl -v world:anyone:cra .; mkdir d; getfattr --only-values -n user.zk.acl d", "world:anyone:cdrwa"},
		{"--acl=inherit", "setfattr -n user.zk.acl -v world:anyone:cra .; mkdir d; getfattr --only-values -n user.zk.acl d", "world:anyone:cra"},
		{"--acl=world:anyone:cr", "echo x > new; getfattr --only-values -n user.zk.acl new", "world:anyone:cr"},
	}
	for _, test := range tests {
		t.Run(test.flags, func(t *testing.T) {
			root := newRoot(t)
			server := addr(shared.Servers[0])
			c := connect(t, []string{server}, zk.WithChroot(root))
			create(t, c, "/f", "first\n", zk.FlagPersistent)
			create(t, c, "/e", "vanishes\n", zk.FlagEphemeral)
			m := mount(t, server+root, strings.Fields(test.flags)...)
			out, _ := m.try(test.script) // what fails says so
			if out = strings.ReplaceAll(out, m.dir, "bash"); out != test.want {
				t.Errorf("$ %s\n%s\nwant\n%s", test.script, out, test.want)
			}
		})
	}
}

func create(t *testing.T, c *zk.Conn, path, data string, flags int32) {
	t.Helper()
	if _, err := c.Create(path, []byte(data), flags, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
}

// What --read-only refuses is refused by the daemon too, if the kernel was told to allow it.
func TestReadOnlyWithoutTheKernel(t *testing.T) {
	m, c := mountShared(t, "--read-only")
	create(t, c, "/f", "first\n", zk.FlagPersistent)
	command(t, "/", "mount", "-i", "-o", "remount,rw", m.dir)
	out, _ := m.try(`grep -c " $PWD .* rw," /proc/self/mounts; echo x > f; mkdir d; mv f g; rm f; truncate -s 1 f; touch f; cat f`)
	want := `1
bash: line 1: f: Read-only file system
mkdir: cannot create directory ‘d’: Read-only file system
mv: cannot move 'f' to 'g': Read-only file system
rm: cannot remove 'f': Read-only file system
truncate: cannot open 'f' for writing: Read-only file system
touch: cannot touch 'f': Read-only file system
first
`
	if out = strings.ReplaceAll(out, m.dir, "bash"); out != want {
		t.Errorf("%s\nwant\n%s", out, want)
	}
}

// With --acl=creator new znodes belong to the credentials of the mount.
func TestACLOfTheCreator(t *testing.T) {
	t.Setenv("ZKFS_AUTH", "digest:ann:secret")
	m, c := mountShared(t, "--acl=creator")
	m.sh(t, "mkdir d; echo x > d/f; echo y > d/f; touch d/e")
	for _, path := range []string{"/d", "/d/f", "/d/e"} {
		if _, _, err := c.Get(path); !errors.Is(err, zk.ErrNoAuth) {
			t.Errorf("%s without credentials: %v", path, err)
		}
	}
	if got, want := m.sh(t, "getfattr --only-values -n user.zk.acl d/f; cat d/f"), xattr.FormatACL(zk.DigestACL(zk.PermAll, "ann", "secret"))+"y\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// After --max-age the servers are asked again, although they have reported no change, as they do not for ACLs.
func TestMaxAge(t *testing.T) {
	t.Parallel()
	for age, seen := range map[string]bool{"100ms": true, "1h": false} {
		m, c := mountShared(t, "--modes=acl", "--max-age="+age)
		create(t, c, "/f", "x", zk.FlagPersistent)
		m.sh(t, "until [ $(stat -c %a f) = 644 ]; do :; done")
		if _, err := c.SetACL("/f", zk.WorldACL(zk.PermRead), -1); err != nil {
			t.Fatal(err)
		}
		script := "until [ $(stat -c %a f) = 444 ]; do :; done"
		if !seen {
			script = "for i in $(seq 50); do [ $(stat -c %a f) = 644 ] || exit 1; done"
		}
		m.sh(t, script)
	}
}

// A call that the servers do not answer ends after --timeout, and one that a signal interrupts soon
// after that. The session and the other timeout would let both wait for longer.
func TestTimeout(t *testing.T) {
	t.Parallel()
	const timeout = 3 * time.Second
	ts := cluster(t, 1, nil)
	m := mount(t, addr(ts.Servers[0]), "--timeout="+timeout.String(), "--session-timeout=60s")
	patient := mount(t, addr(ts.Servers[0]), "--timeout=10m", "--session-timeout=60s")
	m.sh(t, "echo x > f")
	patient.sh(t, "stat .") // so that the shell can enter it
	if err := freeze(ts.Servers[0]); err != nil {
		t.Fatal(err)
	}
	for i, command := range []string{"stat nosuch", "mkdir d", "echo y > f"} {
		begun := time.Now()
		out, err := m.try(command)
		if err == nil || !strings.Contains(out, "timed out") {
			t.Errorf("%s: %v, printed %q", command, err, out)
		}
		if took := time.Since(begun); i == 0 && took < timeout { // the others need not wait as long
			t.Errorf("%s: it took %v", command, took)
		}
	}
	// A signal by which users end programs ends the call. It comes until it has found the program
	// in the call.
	out, err := patient.try(`perl -e '
		$SIG{INT} = sub {};
		$parent = $$;
		unless ($child = fork) { select undef, undef, undef, 0.1 while kill INT => $parent; exit }
		$done = stat "nosuch";
		$why = $!;
		kill KILL => $child;
		waitpid $child, 0; # a signal that comes while perl ends would end it
		$done or print "$why\n"'`)
	if err != nil || out != "Interrupted system call\n" {
		t.Errorf("interrupted: %v, printed %q", err, out)
	}
	for _, signal := range []string{"INT", "KILL"} { // cat has nothing to say if it is the signal that ends it
		if out, _ := patient.try("exec 2>&1; timeout -s " + signal + " 0.5 cat nosuch-" + signal); strings.Contains(out, "cat:") {
			t.Errorf("SIG%s: printed %q", signal, out)
		}
	}
	if err := ts.Servers[0].Srv.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// With --conflict=fail programs that overwrite report it, if somebody else wrote since they opened the file.
func TestConflictFail(t *testing.T) {
	t.Parallel()
	root := newRoot(t)
	source := addr(shared.Servers[0]) + root
	m, other := mount(t, source, "--conflict=fail"), mount(t, source)
	m.sh(t, "echo first > f")
	for i, program := range []string{
		"cp /dev/stdin f", "cat > f", "dd of=f status=none", "tee f",
		`/usr/bin/python3 -c 'import sys; f = open("f", "w"); f.write(sys.stdin.read()); f.close()'`,
	} {
		pipe, theirs := t.TempDir()+"/pipe", fmt.Sprint("theirs ", i, "\n")
		script := fmt.Sprintf(`mkfifo %s; (exec %s) < %[1]s > /dev/null & exec 3> %[1]s
			until ls -l /proc/$!/fd | grep -q "$PWD/f$"; do :; done
			printf '%[3]s' > %[4]s/f; echo mine >&3; exec 3>&-; wait $!`, pipe, program, theirs, other.dir)
		if out, err := m.try(script); err == nil || !strings.Contains(out, "Stale file handle") {
			t.Errorf("%s: error %v, printed %q", program, err, out)
		}
		if got := m.sh(t, "sync f; cat f"); got != theirs {
			t.Errorf("%s: the file has %q", program, got)
		}
	}
}

// Each --watch sees what others write, and asks the servers for the watches that it says.
func TestWatchModes(t *testing.T) {
	for mode, want := range map[string]struct{ root, file bool }{"tree": {true, false}, "node": {true, true}, "off": {false, false}} {
		t.Run(mode, func(t *testing.T) {
			root := newRoot(t)
			server := addr(shared.Servers[0])
			c := connect(t, []string{server}, zk.WithChroot(root))
			create(t, c, "/f", "first", zk.FlagPersistent)
			m := mount(t, server+root, "--watch="+mode)
			m.sh(t, "cat f")
			watched := word(t, "wchp", flw.ParseWchp)
			if got := len(watched[root]) > 0; got != want.root {
				t.Errorf("the root is watched: %v", got)
			}
			if got := len(watched[root+"/f"]) > 0; got != want.file {
				t.Errorf("the file is watched: %v", got)
			}
			if _, err := c.Set("/f", []byte("second"), -1); err != nil {
				t.Fatal(err)
			}
			m.sh(t, "until grep -q second f; do :; done")
		})
	}
}

// Each option is in the help and in the manual.
func TestOptionsAreDocumented(t *testing.T) {
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	help := command(t, "/", path, "mount", "--help")
	manual, err := os.ReadFile("../docs/mount.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, option := range []string{"acl", "umask", "modes", "uid", "gid", "read-only", "commit", "conflict", "watch", "max-age", "local", "no-ephemerals",
		"lock-suffix", "max-data", "timeout", "show-status"} {
		if !strings.Contains(help, "--"+option) {
			t.Errorf("the help has no --%s", option)
		}
		if !strings.Contains(string(manual), "| `--"+option) {
			t.Errorf("docs/mount.md has no --%s", option)
		}
	}
}

// Servers that take more than their default are used to the full with --max-data.
func TestMaxDataOfLargerServers(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 1, func(_ int, _ *zk.ServerConfig, srv *zk.Server) {
		srv.JVMFlags = append(srv.JVMFlags, "-Djute.maxbuffer=4194304")
	})
	m := mount(t, addr(ts.Servers[0]), "--max-data=3000000")
	c := connect(t, []string{addr(ts.Servers[0])})
	m.sh(t, "head -c 3000000 /dev/urandom > f; cp f g; cmp f g")
	_, f, err := c.Get("/f")
	if err != nil || f.DataLength != 3000000 || f.Version != 0 {
		t.Errorf("%+v, %v", f, err)
	}
	if out, err := m.try("head -c 3000001 /dev/zero | dd of=h bs=1M iflag=fullblock"); err == nil || !strings.Contains(out, "File too large") {
		t.Errorf("error %v, printed %q", err, out)
	}
}
