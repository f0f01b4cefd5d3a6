package integration

import (
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Both packages hold what make install installs, with what Debian and Fedora want besides, for the
// machine that they are for. Made again, elsewhere and with another umask, they are the same bytes.
// For another machine than this one they are made once, with a small program for the command.
func TestPackages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		arch, rpmArch string
		machine       elf.Machine
	}{
		{"amd64", "x86_64", elf.EM_X86_64},
		{"arm64", "aarch64", elf.EM_AARCH64},
	} {
		t.Run(test.arch, func(t *testing.T) {
			first, second, tree := t.TempDir(), t.TempDir(), t.TempDir()
			compiler := "GO=go"
			if test.arch != runtime.GOARCH {
				compiler = "GO=" + smallBuilds(t)
			}
			files := []string{
				"zkfs_1.2~rc3-1_" + test.arch + ".deb", "zkfs-1.2~rc3-1." + test.rpmArch + ".rpm",
			}
			target := func(umask, name, build string, args ...string) {
				t.Helper()
				args = append([]string{"-c", "umask " + umask + `; exec make "$@"`, "make", "-C", "..",
					"--no-print-directory", name, "BUILD=" + build, "GOARCH=" + test.arch, compiler}, args...)
				command(t, "", "sh", args...)
			}
			target("022", "package", first, "VERSION=1.2-rc3")
			if test.arch == runtime.GOARCH {
				checkMaintenance(t, filepath.Join(first, files[0]), filepath.Join(first, files[1]))
				target("077", "package", second, "VERSION=1.2-rc3")
				for _, name := range files {
					if a, b := sum(t, filepath.Join(first, name)), sum(t, filepath.Join(second, name)); a != b {
						t.Errorf("%s is not the same again", name)
					}
				}
			}
			target("022", "install", first, "PREFIX=/usr", "SBINDIR=/usr/sbin", "DESTDIR="+tree)
			program, err := elf.Open(filepath.Join(tree, "usr/bin/zkfs"))
			if err != nil {
				t.Fatal(err)
			}
			defer program.Close()
			if program.Machine != test.machine {
				t.Errorf("the program is for %v", program.Machine)
			}
			want := listing(t, tree)
			t.Run("deb", func(t *testing.T) {
				checkDeb(t, filepath.Join(first, files[0]), test.arch, want)
			})
			t.Run("rpm", func(t *testing.T) {
				checkRPM(t, filepath.Join(first, files[1]), test.rpmArch, want)
			})
		})
	}
}

// checkDeb compares a Debian package with what make install installs.
func checkDeb(t *testing.T, deb, arch string, want map[string]string) {
	root := t.TempDir()
	command(t, "", "dpkg-deb", "-x", deb, root)
	command(t, "", "dpkg-deb", "-e", deb, filepath.Join(root, "DEBIAN"))
	got := listing(t, root)
	const doc = "/usr/share/doc/zkfs/"
	compare(t, got, want, map[string]string{
		"/usr/share/zsh/site-functions/_zkfs": "/usr/share/zsh/vendor-completions/_zkfs",
		doc + "CHANGELOG.md":                  doc + "changelog.gz",
	}, doc+"changelog.Debian.gz", "/usr/share/lintian/overrides/zkfs")
	if got := command(t, "", "dpkg-deb", "-f", deb, "Package", "Version", "Architecture", "Recommends"); got !=
		"Package: zkfs\nVersion: 1.2~rc3-1\nArchitecture: "+arch+"\nRecommends: fuse3\n" {
		t.Errorf("the Debian package says\n%s", got)
	}
	sums := command(t, root, "md5sum", "-c", "DEBIAN/md5sums") // fails if one is wrong
	regular := command(t, root, "find", "usr", "-type", "f")
	if strings.Count(sums, "\n") != strings.Count(regular, "\n") {
		t.Errorf("md5sums has not all files:\n%s", sums)
	}
	log := command(t, root, "zcat", "."+doc+"changelog.Debian.gz")
	if !strings.HasPrefix(log, "zkfs (1.2~rc3-1) unstable; ") {
		t.Errorf("changelog.Debian.gz: %s", log)
	}
	for line := range strings.Lines(command(t, "", "dpkg-deb", "-c", deb)) {
		if fields := strings.Fields(line); fields[1] != "root/root" {
			t.Errorf("not root's: %s", line)
		}
	}
}

// checkRPM compares an rpm with what make install installs.
func checkRPM(t *testing.T, rpm, arch string, want map[string]string) {
	root := t.TempDir()
	command(t, "", "rpm", "--root", root, "--nodeps", "--noscripts", "--ignorearch", "-i", rpm)
	const licenses = "/usr/share/licenses/zkfs/"
	compare(t, listing(t, root), want,
		map[string]string{"/usr/share/doc/zkfs/copyright": licenses + "copyright"}, licenses+"LICENSE")
	const format = "%{NAME} %{VERSION} %{RELEASE} %{ARCH} %{BUILDHOST} [%{FILEUSERNAME} ][%{RECOMMENDS}]\n"
	count := strings.Count(command(t, "", "rpm", "-qpl", rpm), "\n")
	if got := command(t, "", "rpm", "-qp", "--queryformat", format, rpm); got !=
		"zkfs 1.2~rc3 1 "+arch+" localhost "+strings.Repeat("root ", count)+"fuse3\n" {
		t.Errorf("the rpm says %s", got)
	}
	for line := range strings.Lines(command(t, "", "rpm", "-qp", "--requires", rpm)) {
		if line = strings.TrimSpace(line); line != "/bin/sh" && !strings.HasPrefix(line, "rpmlib(") {
			t.Errorf("the rpm requires %s", line)
		}
	}
}

// compare tells where the files of a package differ from those that make install installs: some
// lie elsewhere, some are only in the package.
func compare(t *testing.T, got, want, moved map[string]string, added ...string) {
	t.Helper()
	for name, file := range want {
		to, elsewhere := moved[name]
		if !elsewhere {
			to = name
		}
		compressed := strings.HasSuffix(to, ".gz") && elsewhere
		if got[to] != file && !compressed || got[to] == "" {
			t.Errorf("%s is %q in the package, make install installs %q", to, got[to], file)
		}
		delete(got, to)
	}
	for _, name := range added {
		if !strings.HasPrefix(got[name], "-rw-r--r-- ") {
			t.Errorf("%s is %q", name, got[name])
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s is in the package only", name)
	}
}

// smallBuilds returns a command go that compiles a small program instead of the command zkfs when it
// is to do so for another machine, which would take the standard library of that.
func smallBuilds(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"small.go": "package main\n\nfunc main() {}\n",
		"go": `#!/bin/sh
case "$1 $GOARCH" in
"build "?*)
	for arg do
		shift
		[ "$arg" != ./cmd/zkfs ] || arg=${0%/*}/small.go
		set -- "$@" "$arg"
	done
esac
exec go "$@"
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "go")
}

// listing describes the files below root/usr by their paths: mode, and content or where a link leads.
func listing(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(filepath.Join(root, "usr"), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		switch {
		case d.IsDir():
			if info.Mode().Perm() != 0o755 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			return nil
		case info.Mode().IsRegular():
			content = sum(t, path)
		default:
			content, err = os.Readlink(path)
		}
		files[strings.TrimPrefix(path, root)] = info.Mode().String() + " " + content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func sum(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%.8x", sha256.Sum256(text))
}
