package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Both packages are installed, installed again and removed in roots of their own. They tell systemd
// what it must know, and leave nothing but the databases of the managers in /var.
func checkMaintenance(t *testing.T, deb, file string) {
	for _, manager := range []struct{ name, options, install, upgrade, remove string }{
		{"dpkg", "--force-depends --root", "-i " + deb, "-i " + deb, "-P zkfs"},
		{
			"rpm", "--nodeps --dbpath /var/lib/rpm --root",
			"-U " + file, "-U --replacepkgs " + file, "-e zkfs",
		},
	} {
		t.Run("scripts for "+manager.name, func(t *testing.T) {
			root := bareRoot(t)
			before := files(t, root)
			step := func(args, want string) {
				t.Helper()
				line := strings.Join([]string{manager.name, manager.options, root, args}, " ")
				scripted := append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, strings.Fields(line)...)
				command(t, "", "env", scripted...)
				calls, err := os.ReadFile(filepath.Join(root, "calls"))
				if err != nil {
					t.Fatal(err)
				}
				if string(calls) != want {
					t.Errorf("%s: systemd was told\n%swant\n%s", args, calls, want)
				}
				write(t, filepath.Join(root, "calls"), "")
			}
			step(manager.install, "--system daemon-reload\n")
			if _, err := os.Stat(filepath.Join(root, "usr/bin/zkfs")); err != nil {
				t.Error(err)
			}
			step(manager.upgrade, "--system daemon-reload\n")
			step(manager.remove, "stop zkfs@*.service\n--system daemon-reload\n")
			for name := range files(t, root) {
				if !before[name] && !strings.HasPrefix(name, "/var/") {
					t.Errorf("left after the removal: %s", name)
				}
			}
		})
	}
}

// bareRoot returns a root with a shell, a systemd that runs, and the programs that tell it
// something, which write that to the file calls.
func bareRoot(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	command(t, "", "sh", "-c", `set -e
cd "$0"
mkdir -p run/systemd/system usr/bin usr/sbin dev
mkdir -p var/lib/dpkg/updates var/lib/dpkg/info var/lib/dpkg/triggers
touch dev/null var/lib/dpkg/status calls
ln -s usr/bin bin
ln -s usr/sbin sbin
cp -L --parents $(ldd /bin/sh | grep -o '/[^ ]*') .
cp -L /bin/sh usr/bin/sh
for name in systemctl deb-systemd-invoke ldconfig start-stop-daemon; do
	printf '#!/bin/sh\necho "$@" >>/calls\n' >usr/bin/$name
	chmod 755 usr/bin/$name
done`, root)
	return root
}

// files returns the paths below root.
func files(t *testing.T, root string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for line := range strings.Lines(command(t, root, "find", ".", "-not", "-type", "d")) {
		all[strings.TrimPrefix(strings.TrimSpace(line), ".")] = true
	}
	return all
}
