package integration

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/zk"
)

// Each command that finds a mount in the kernel's table finds it whatever characters its source and
// its mount point hold.
func TestMountsOfOddNames(t *testing.T) {
	tests := []struct {
		name, chroot, point string // the last names of paths
	}{
		{"ideographic space", "a\u3000b", "m\u3000n"},
		{"no-break space", "a\u00a0b", "m\u00a0n"},
		{"em space", "a\u2003b", "m\u2003n"},
		{"line separator", "a\u2028b", "m\u2028n"},
		{"space", "a b", "m n"},
		{"hyphen between spaces", "a - b", "m - n"},
		{"number sign", "a#b", "m#n"},
		{"backslash", `a\b`, `m\n`},
		{"octal escape", `a\040b`, `m\040n`},
		{"comma", "a,b", "m,n"},
		// ZooKeeper takes no control characters.
		{"carriage return", "a", "m\rn"},
		{"form feed", "a", "m\fn"},
		{"tab", "a", "m\tn"},
		{"newline", "a", "m\nn"},
		{"next line", "a", "m\u0085n"},
		{"no UTF-8", "a", "m\xffn"},
	}
	path, err := plainZkfs()
	if err != nil {
		t.Fatal(err)
	}
	root := newRoot(t)
	c := connect(t, []string{addr(shared.Servers[0])}, zk.WithChroot(root))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if exists, _, _ := c.Exists("/" + tt.chroot); !exists {
				create(t, c, "/"+tt.chroot, "", zk.FlagPersistent)
			}
			dir := t.TempDir()
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "bash", "-eu", "-c", oddNamesScript, path, addr(shared.Servers[0])+root+"/"+tt.chroot, tt.point)
			cmd.Dir = dir
			cmd.WaitDelay = time.Second
			out, err := cmd.CombinedOutput()
			if err != nil || t.Failed() {
				t.Errorf("%v\n%s", err, out)
				for unix.Unmount(filepath.Join(dir, tt.point), unix.MNT_FORCE|unix.MNT_DETACH) == nil {
				}
			}
		})
	}
}

// oddNamesScript gets the command, the source and the name of the directory to mount on.
const oddNamesScript = `
source=$1 m=$PWD/$2 zkfs=$0
mkdir "$m"
fail() { echo "$*"; exit 1; }
exits() { local want=$1 got=0; shift; "$@" || got=$?; test $got = $want || fail "exit code $got, want $want: $*"; }

"$zkfs" mount "$source" "$m"
exits 11 "$zkfs" mount "$source" "$m"

# One lock by both ways.
exits 17 flock "$m/x.lock" "$zkfs" lock -n "$m/x.lock" -- true
exits 1 "$zkfs" lock "$m/x.lock" -- flock -n "$m/x.lock" true
"$zkfs" lock -n "$m/x.lock" -- true

"$zkfs" status --json "$m" >status
grep -q '"state": "StateHasSession"' status || fail "$(cat status)"

exec 8< <(exec "$zkfs" watch --exec 'printf %s "$ZKFS_FILE" >file; kill $PPID' "$m/f" 2>&1)
read -r line <&8
echo 1 >"$m/f"
cat <&8
test "$(cat file)" = "$m/f" || fail "ZKFS_FILE was $(cat -A file)"

kill -KILL "$(sed -n 's/^process *//p' "$m/.status")"
until ! ls "$m" 2>/dev/null; do :; done
exits 16 "$zkfs" status "$m"
exits 11 "$zkfs" mount "$source" "$m"
"$zkfs" mount --remount-dead "$source" "$m"
test "$(cat "$m/f")" = 1 || fail "not mounted again"
"$zkfs" umount "$m"
test ! -e "$m/f" || fail "still mounted"
`
