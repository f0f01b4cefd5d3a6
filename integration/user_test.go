package integration

import (
	"os/exec"
	"regexp"
	"testing"
)

// Users other than root mount by fusermount3, and find what the mode bits show: the kernel holds them to that, unlike root. Here one
// mounts in a mount namespace of his own, whose /dev/fuse he may use.
func TestMountByAnotherUser(t *testing.T) {
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	const namespace = `set -e
		mount -t tmpfs -o mode=1777 none /mnt
		cp "$0" /mnt/zkfs
		mknod -m 666 /mnt/fuse c 10 229
		mount --bind /mnt/fuse /dev/fuse
		exec setpriv --reuid=65534 --regid=65534 --clear-groups bash -c "$1"`
	const user = `cd /mnt
		for i in 1 2 3; do
			coproc ./zkfs demo /mnt/zk
			read -r line <&${COPROC[0]} && [[ $line == *"is mounted on /mnt/zk"* ]] || exit 1
			cat zk/config/database/url
			echo v > zk/new; cat zk/new
			cat zk/secrets/token
			kill $COPROC_PID; wait $COPROC_PID; echo "end $?"
		done`
	out, err := exec.Command("unshare", "--mount", "bash", "-c", namespace, path, user).CombinedOutput()
	want := regexp.MustCompile(`^(postgres://\S+\nv\ncat: zk/secrets/token: Permission denied\nend 0\n){3}$`)
	if err != nil || !want.Match(out) {
		t.Errorf("%v, printed\n%s", err, out)
	}
}
