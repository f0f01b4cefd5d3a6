package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// helpers are the links by which mount(8) finds the command. It looks for them there and nowhere else.
var helpers = []string{"/sbin/mount.zkfs", "/sbin/mount.fuse.zkfs"}

// What make install installs works with mount(8), fstab(5) and umount(8). The test puts links into /sbin and removes them.
func TestInstall(t *testing.T) {
	dest := t.TempDir()
	installed := filepath.Join(dest, "opt/bin/zkfs")
	makeInstall(t, "PREFIX=/opt", "DESTDIR="+dest)
	for _, name := range []string{
		"opt/bin/zkfs",
		"opt/share/bash-completion/completions/zkfs",
		"opt/share/zsh/site-functions/_zkfs",
		"opt/share/fish/vendor_completions.d/zkfs.fish",
		"opt/share/man/man1/zkfs.1.gz",
		"opt/share/man/man8/zkfs-mount.8.gz",
		"opt/share/man/man8/mount.zkfs.8.gz",
		"opt/share/doc/zkfs/copyright",
		"opt/share/doc/zkfs/README.md",
		"opt/share/doc/zkfs/docs/operations.md",
	} {
		if info, err := os.Stat(filepath.Join(dest, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, link := range helpers {
		if to, err := os.Readlink(dest + link); to != "/opt/bin/zkfs" {
			t.Errorf("%s leads to %q, %v", link, to, err)
		}
		if err := os.Symlink(installed, link); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(link) })
	}
	source := addr(shared.Servers[0])
	source += "," + source + newRoot(t) // two servers: a comma in the first field of fstab
	fstab := filepath.Join(dest, "fstab")
	dir := filepath.Join(dest, "m")
	line := fmt.Sprintf("%s %s zkfs noauto,x-systemd.automount,x-systemd.mount-timeout=30,_netdev,nofail,ro,uid=1000 0 0\n", source, dir)
	if err := errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(fstab, []byte(line), 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-t", "zkfs", source, dir, "-o", "ro,uid=1000,noatime,comment=x"},
		{"-t", "fuse.zkfs", "-o", "ro,uid=1000,nosuid", source, dir},
		{"-T", fstab, dir},
	} {
		command(t, "", "mount", args...)
		seen := command(t, "", "findmnt", "-n", "-o", "SOURCE,FSTYPE,OPTIONS", dir)
		if fields := strings.Fields(seen); len(fields) != 3 || fields[0] != source || fields[1] != "fuse.zkfs" || !strings.HasPrefix(fields[2], "ro,") {
			t.Errorf("mount %s: shows as %q", args, seen)
		}
		if seen := command(t, "", "df", "--output=source,fstype", dir); !strings.Contains(seen, source) || !strings.Contains(seen, "fuse.zkfs") {
			t.Errorf("df: %q", seen)
		}
		if owner := command(t, "", "stat", "-c", "%u", dir); owner != "1000\n" {
			t.Errorf("mount %s: owner %q", args, owner)
		}
		command(t, "", "umount", dir)
	}
	command(t, "", "mount", "-f", "-t", "zkfs", source, dir)
	if isMounted(dir) {
		t.Error("mount -f has mounted")
	}
	if out, err := exec.Command("mount", "-t", "zkfs", source+"/none", dir).CombinedOutput(); err == nil || !strings.Contains(string(out), "does not exist") {
		t.Errorf("mount of a znode that does not exist: %v, %s", err, out)
	}
	command(t, "", "make", "-C", "..", "--no-print-directory", "uninstall", "PREFIX=/opt", "DESTDIR="+dest)
	if left := command(t, dest, "find", ".", "-not", "-type", "d", "-not", "-name", "fstab"); left != "" {
		t.Errorf("after make uninstall:\n%s", left)
	}
}

// What is installed may be read by all users, whatever the umask.
func TestInstallWithAnyUmask(t *testing.T) {
	t.Parallel()
	dest := t.TempDir()
	makeInstall(t, "DESTDIR="+dest)
	for _, kind := range []string{
		"-type d -not -perm 755",
		"-type f -perm /111 -not -perm 755",
		"-type f -not -perm /111 -not -perm 644",
	} {
		if wrong := command(t, dest, "find", append([]string{"sbin", "usr"}, strings.Fields(kind)...)...); wrong != "" {
			t.Errorf("%s:\n%s", kind, wrong)
		}
	}
}

// makeInstall installs as root does after another user has run make build: without Go, and perhaps
// with a umask that is meant for secrets.
func makeInstall(t *testing.T, args ...string) {
	t.Helper()
	build, err := built()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"-c", `umask 077; exec make "$@"`, "make", "-C", "..", "--no-print-directory",
		"install", "BUILD=" + build, "GO=/none/go"}, args...)
	if out := command(t, "", "sh", args...); strings.Contains(out, "/none/go") {
		t.Errorf("make install has run the command go:\n%s", out)
	}
}

// built returns the folder in which make build has left what make install installs.
var built = sync.OnceValues(func() (string, error) {
	folder := filepath.Join(commands(), "build")
	build := exec.Command("make", "-C", "..", "--no-print-directory", "build", "BUILD="+folder)
	out, err := build.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("make build: %w\n%s", err, out)
	}
	return folder, nil
})
