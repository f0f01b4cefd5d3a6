package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What make install installs of systemd's files, and the samples, are what systemd understands.
func TestUnits(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	makeInstall(t, "PREFIX=/usr", "SBINDIR=/usr/sbin", "DESTDIR="+root)
	units := filepath.Join(root, "usr/lib/systemd/system")
	service, err := os.ReadFile(filepath.Join(units, "zkfs@.service"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sh", "mount"} { // what units run besides
		if err := os.WriteFile(filepath.Join(root, "usr/bin", name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// systemd-analyze looks for programs where it runs itself, or in the root if it is told one.
	text := strings.ReplaceAll(string(service), "=/usr/bin/zkfs", "="+root+"/usr/bin/zkfs")
	if text == string(service) {
		t.Errorf("the service does not run /usr/bin/zkfs:\n%s", service)
	}
	write(t, filepath.Join(units, "zkfs@app.service"), text)
	usage := exec.Command(filepath.Join(root, "usr/bin/zkfs"), "mount", "-f", "--no-such-flag", "zk1", root)
	usage.Run() // the exit code tells
	code := usage.ProcessState.ExitCode()
	if code <= 0 || !strings.Contains(text, fmt.Sprintf("\nRestartPreventExitStatus=%d\n", code)) {
		t.Errorf("the service starts again after a usage error, exit code %d", code)
	}
	// A service with the drop-in that registers it.
	samples := filepath.Join(root, "usr/share/doc/zkfs/examples")
	dropIn, err := os.ReadFile(filepath.Join(samples, "web-register.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(units, "web.service.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	text = strings.ReplaceAll(string(dropIn), "=/usr/local/bin/zkfs", "="+root+"/usr/bin/zkfs")
	write(t, filepath.Join(units, "web.service.d/register.conf"), text)
	write(t, filepath.Join(units, "web.service"), "[Service]\nExecStart=/usr/local/bin/web\n")
	// What it does not understand it says on standard error, and ends with 0.
	out := command(t, "", "sh", "-c", `systemd-analyze verify --man=no "$@" 2>&1`, "sh",
		filepath.Join(units, "zkfs@app.service"), filepath.Join(units, "web.service"),
		filepath.Join(samples, "mnt-app.mount"), filepath.Join(samples, "mnt-app.automount"))
	if out != "" {
		t.Errorf("systemd-analyze verify: %s", out)
	}
}

// The service unmounts what a process has left that was killed. It leaves alone what is mounted when
// a process has failed by itself: another mount, or the dead one of refused credentials.
func TestWhatTheServiceUnmounts(t *testing.T) {
	t.Parallel()
	unit := string(fileBytes(t, "../contrib/systemd/zkfs@.service"))
	_, script, _ := strings.Cut(unit, "\nExecStopPost=-/bin/sh -c '")
	script, _, _ = strings.Cut(script, "'\n")
	script = strings.Replace(script, "/usr/local/bin/zkfs", "echo zkfs", 1)
	for result, want := range map[string]string{ // see systemd.exec(5)
		"exit-code": "", "success": "zkfs umount -f /m\n", "signal": "zkfs umount -f /m\n",
		"core-dump": "zkfs umount -f /m\n",
		"watchdog":  "zkfs umount -f /m\n", "timeout": "zkfs umount -f /m\n", "oom-kill": "zkfs umount -f /m\n",
	} {
		cmd := exec.Command("sh", "-c", script)
		cmd.Env = append(os.Environ(), "SERVICE_RESULT="+result, "EXIT_STATUS=12", "MOUNTPOINT=/m")
		if out, _ := cmd.Output(); string(out) != want {
			t.Errorf("after %s it runs %q, want %q", result, out, want)
		}
	}
}

// systemd makes of the line of fstab in the manual a mount by this command, and an automount that the start does not wait for.
func TestLineOfFstab(t *testing.T) {
	manual, err := os.ReadFile("../docs/zkfs-mount.8.md")
	if err != nil {
		t.Fatal(err)
	}
	var line string
	for l := range strings.Lines(string(manual)) {
		if strings.Contains(l, "x-systemd.automount") {
			line = strings.TrimSpace(l)
		}
	}
	dir := t.TempDir()
	fstab := filepath.Join(dir, "fstab")
	write(t, fstab, line+"\n")
	t.Setenv("SYSTEMD_FSTAB", fstab)
	command(t, "", "/usr/lib/systemd/system-generators/systemd-fstab-generator", dir, dir, dir)
	for name, want := range map[string][]string{
		"mnt-app.mount":                            {"What=zk1,zk2,zk3/app\n", "Where=/mnt/app\n", "Type=zkfs\n", "Options=noauto,x-systemd.automount,_netdev,nofail,ro,auth_file=/etc/zkfs/auth\n"},
		"mnt-app.automount":                        {"Where=/mnt/app\n"},
		"remote-fs.target.wants/mnt-app.automount": {"Where=/mnt/app\n"},
	} {
		unit, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(unit), w) {
				t.Errorf("%s has not %q:\n%s", name, w, unit)
			}
		}
		if strings.Contains(string(unit), "Before=remote-fs.target") {
			t.Errorf("the start waits for %s:\n%s", name, unit)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
