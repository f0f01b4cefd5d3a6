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

// Both packages hold what make install installs and nothing else, for the machine that they are for.
// Made twice, elsewhere, they are the same bytes. For another machine than this one a small program
// is in the command's place.
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
			files := []string{"zkfs_1.2~rc3_" + test.arch + ".deb", "zkfs-1.2~rc3." + test.rpmArch + ".rpm"}
			target := func(name, build string, args ...string) {
				t.Helper()
				args = append([]string{"-C", "..", "--no-print-directory", name, "BUILD=" + build, "GOARCH=" + test.arch, compiler}, args...)
				command(t, "", "make", args...)
			}
			for _, build := range []string{first, second} {
				target("package", build, "VERSION=1.2~rc3")
			}
			for _, name := range files {
				if a, b := sum(t, filepath.Join(first, name)), sum(t, filepath.Join(second, name)); a != b {
					t.Errorf("%s is not the same again", name)
				}
			}
			target("install", first, "PREFIX=/usr", "SBINDIR=/usr/sbin", "DESTDIR="+tree)
			program, err := elf.Open(filepath.Join(tree, "usr/bin/zkfs"))
			if err != nil {
				t.Fatal(err)
			}
			defer program.Close()
			if program.Machine != test.machine {
				t.Errorf("the program is for %v", program.Machine)
			}
			want := listing(t, tree)

			deb, rpm := filepath.Join(first, files[0]), filepath.Join(first, files[1])
			debRoot, rpmRoot := t.TempDir(), t.TempDir()
			command(t, "", "dpkg-deb", "-x", deb, debRoot)
			if got := listing(t, debRoot); got != want {
				t.Errorf("the Debian package has\n%s\nmake install installs\n%s", got, want)
			}
			if got := command(t, "", "dpkg-deb", "-f", deb, "Package", "Version", "Architecture", "Recommends"); got !=
				"Package: zkfs\nVersion: 1.2~rc3\nArchitecture: "+test.arch+"\nRecommends: fuse3\n" {
				t.Errorf("the Debian package says\n%s", got)
			}
			for line := range strings.Lines(command(t, "", "dpkg-deb", "-c", deb)) {
				if fields := strings.Fields(line); fields[1] != "root/root" {
					t.Errorf("not root's: %s", line)
				}
			}

			command(t, "", "rpm", "--root", rpmRoot, "--nodeps", "--noscripts", "--ignorearch", "-i", rpm)
			if got := listing(t, rpmRoot); got != want {
				t.Errorf("the rpm has\n%s\nmake install installs\n%s", got, want)
			}
			if got := command(t, "", "rpm", "-qp", "--queryformat", "%{NAME} %{VERSION} %{ARCH} %{BUILDHOST} [%{FILEUSERNAME} ][%{RECOMMENDS}]\n", rpm); got !=
				"zkfs 1.2~rc3 "+test.rpmArch+" localhost "+strings.Repeat("root ", strings.Count(command(t, "", "rpm", "-qpl", rpm), "\n"))+"fuse3\n" {
				t.Errorf("the rpm says %s", got)
			}
			for line := range strings.Lines(command(t, "", "rpm", "-qp", "--requires", rpm)) {
				if !strings.HasPrefix(line, "rpmlib(") {
					t.Errorf("the rpm requires %s", line)
				}
			}
		})
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

// listing describes the files below root/usr, a line for each: mode, path, and content or where it leads.
func listing(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(filepath.Join(root, "usr"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		if info.Mode().IsRegular() {
			content = sum(t, path)
		} else if content, err = os.Readlink(path); err != nil {
			return err
		}
		fmt.Fprintf(&b, "%v %s %s\n", info.Mode(), strings.TrimPrefix(path, root), content)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func sum(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%.8x", sha256.Sum256(text))
}
