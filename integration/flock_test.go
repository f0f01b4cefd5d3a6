package integration

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// mountTwice mounts a znode of the test's own two times, as two hosts would, and returns a session with it as root.
func mountTwice(t *testing.T, flags ...string) (a, b *mounted, c *zk.Conn) {
	t.Helper()
	root := newRoot(t)
	server := addr(shared.Servers[0])
	return mount(t, server+root, flags...), mount(t, server+root, flags...), connect(t, []string{server}, zk.WithChroot(root))
}

// prints fails the test if the script does not print what is wanted.
func (m *mounted) prints(t *testing.T, want, script string) {
	t.Helper()
	if got := m.sh(t, script); got != want {
		t.Errorf("$ %s\n%sprinted, want\n%s", script, got, want)
	}
}

// flocker starts a player that locks a file of the mount.
func (m *mounted) flocker(t *testing.T, kind, file string, j judge) *player {
	t.Helper()
	p := play(t, kind+" of "+file, append(pythonPlayer("flocker.py"), kind, filepath.Join(m.dir, file), string(j))...)
	return p
}

// flockScripts are what flock(1) and the shell do with a lock file F, here and in the other mount, B.
var flockScripts = []struct{ name, script, want string }{
	{"command", "flock F echo run; flock F sh -c 'exit 7' || echo $?", "run\n7\n"},
	{"descriptor", "exec 9>>F; flock 9; flock -n B/F true; echo $?; flock -n -s B/F true; echo $?; flock -u 9; flock -n B/F echo free", "1\n1\nfree\n"},
	{"closed", "exec 9>>F; flock 9; exec 9>&-; flock -w 99 B/F echo free", "free\n"},
	{"exit", "bash -c 'exec 9>>F; flock 9'; flock -w 99 B/F echo free", "free\n"},
	{"killed", "coproc bash -c 'exec 9>>F; flock 9; echo held; exec sleep 600'; read -r x <&${COPROC[0]}; echo $x; flock -n B/F true; echo $?; " +
		"kill -9 $COPROC_PID; wait $COPROC_PID 2> /dev/null; flock -w 99 B/F echo free", "held\n1\nfree\n"},
	{"inherited", "exec 9>>F; flock 9; sleep 600 & exec 9>&-; flock -n B/F true; echo $?; kill $!; wait; flock -w 99 B/F echo free", "1\nfree\n"},
	{"timed", "exec 9>>F; flock 9; flock -w 0.3 B/F true; echo $?; flock -w 0.3 F true; echo $?", "1\n1\n"},
	{"shared", "exec 9>>F; flock -s 9; flock -n -s B/F echo shared; flock -n B/F true; echo $?; exec 9>&-; flock -w 99 B/F echo free", "shared\n1\nfree\n"},
	{"converted", "exec 9>>F; flock -s 9; flock 9; flock -n -s B/F true; echo $?; flock -s 9; flock -n -s B/F echo shared", "1\nshared\n"},
	{"repeated", "exec 9>>F; flock 9; flock 9; (flock 9); flock -n 9; echo held", "held\n"},
	{"one owner waits twice", "exec 8>>B/F; flock 8; exec 9>>F; flock 9 8>&- & flock 9 8>&- & sleep 0.3; exec 8>&-; wait; echo both", "both\n"},
	{"at once again", "for i in $(seq 20); do flock -n F true || echo busy; done", ""},
}

func TestFlockCommand(t *testing.T) {
	t.Parallel()
	a, b, c := mountTwice(t)
	if _, err := c.Create("/dir", nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	a.sh(t, "echo data > file")
	for _, lock := range []struct{ file, path string }{
		{"x.lock", "/x.lock"},
		{"file", "/file.lock"},
		{"dir/.lock", "/dir"},
	} {
		for _, s := range flockScripts {
			t.Run(filepath.Base(lock.file)+" "+s.name, func(t *testing.T) {
				a.prints(t, s.want, strings.NewReplacer("B/F", b.dir+"/"+lock.file, "F", lock.file).Replace(s.script))
				contenders(t, c, lock.path, 0)
			})
		}
	}
	a.prints(t, "data\n", "cat file")
	for range 2 { // once to create it
		for _, file := range []string{"y.lock", "dir/.lock"} {
			a.prints(t, "1\n", "exec 9>"+file+"; flock 9; flock -n "+b.dir+"/"+file+" true; echo $?")
		}
	}
}

// Each way to lock excludes each other, on the same mount and on another.
func TestFlockExcludes(t *testing.T) {
	t.Parallel()
	const rounds = 15
	a, b, c := mountTwice(t)
	j := newJudge(t)
	kinds := []string{"flock", "lockf"}
	var players []*player
	for _, m := range []*mounted{a, b} {
		for _, kind := range kinds {
			players = append(players, m.flocker(t, kind, "x.lock", j), m.flocker(t, kind, "x.lock", j))
		}
	}
	for _, p := range players {
		p.start("count", rounds)
	}
	var all sync.WaitGroup
	all.Go(func() { countHolding(t, zk.NewLock(c, "/x.lock", zk.WorldACL(zk.PermAll)), j, rounds) })
	shellCount := fmt.Sprintf(`for i in $(seq %d); do flock x.lock sh -c 'n=$(cat %[2]s); sleep 0.002; echo $((n+1)) > %[2]s' || exit; done`, rounds, j)
	for _, m := range []*mounted{a, b} {
		all.Go(func() {
			if out, err := m.try(shellCount); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	for _, p := range players {
		p.want("done")
	}
	all.Wait()
	j.want(t, (len(players)+3)*rounds)
	contenders(t, c, "/x.lock", 0)
}

// The counter is a file of the mounts itself: who has the lock sees what those before it have written.
func TestFlockGuardsFilesOfTheMount(t *testing.T) {
	t.Parallel()
	for _, watch := range []string{"tree", "node", "off"} {
		t.Run(watch, func(t *testing.T) {
			const rounds = 25
			a, b, c := mountTwice(t, "--watch="+watch)
			a.sh(t, "echo 0 > counter")
			for name, script := range map[string]string{
				"opened later":  `for i in $(seq %d); do flock x.lock sh -c 'n=$(cat counter); echo $((n+1)) > counter' || exit; done`,
				"opened before": `for i in $(seq %d); do exec 9<>counter; flock 9; read -r n <&9; echo $((n+1)) > counter; exec 9>&-; done`,
				"never reopened": `/usr/bin/python3 -c "
import fcntl, os
fd = os.open('counter', os.O_RDWR)
for i in range(%d):
    fcntl.flock(fd, fcntl.LOCK_EX)
    n = int(os.pread(fd, 100, 0))
    os.ftruncate(fd, 0)
    os.pwrite(fd, b'%%d' %% (n + 1), 0)
    fcntl.flock(fd, fcntl.LOCK_UN)
"`,
			} {
				t.Run(name, func(t *testing.T) {
					a.sh(t, "echo 0 > counter")
					var all sync.WaitGroup
					for _, m := range []*mounted{a, b, a, b} {
						all.Go(func() {
							if out, err := m.try(fmt.Sprintf(script, rounds)); err != nil || out != "" {
								t.Errorf("%v\n%s", err, out)
							}
						})
					}
					all.Wait()
					if data, _, err := c.Get("/counter"); err != nil || strings.TrimSpace(string(data)) != fmt.Sprint(4*rounds) {
						t.Errorf("counted %q, error %v, want %d", data, err, 4*rounds)
					}
				})
			}
		})
	}
}
