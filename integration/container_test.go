package integration

import (
	"path/filepath"
	"testing"
)

// In a container root needs the device and the right to mount, and no fusermount3. The root user of a user namespace, as in
// a rootless container, is enough.
func TestMountInNamespaces(t *testing.T) {
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	source := addr(shared.Servers[0]) + newRoot(t)
	const script = `set -e
mount -t proc proc /proc
PATH=/none "$0" mount "$1" "$2"
echo x >"$2/f"
cat "$2/f"
PATH=/none "$0" umount "$2"
ls "$2"
`
	for _, namespaces := range []string{"-mpf", "-Urmpf"} {
		dir := filepath.Join(t.TempDir(), "m")
		out := command(t, "", "unshare", namespaces, "sh", "-c", "mkdir $2; "+script, path, source, dir)
		if out != "x\n" {
			t.Errorf("unshare %s: printed %q", namespaces, out)
		}
	}
}
