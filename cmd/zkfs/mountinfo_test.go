package main

import (
	"strconv"
	"strings"
	"testing"
)

// parsed is the table that the text of a mountinfo stands for.
func parsed(t *testing.T, mountinfo string) []mountLine {
	t.Helper()
	table, err := parseMounts(strings.NewReader(mountinfo))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// The kernel's escapes: mangle() in fs/proc_namespace.c for sources, seq_path() for paths.
var (
	mangleSource = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`, "#", `\043`)
	manglePath   = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)
)

// mountinfoLine is the line that the kernel prints for a mount.
func mountinfoLine(source, root, point string) string {
	return "45 27 0:42 " + manglePath.Replace(root) + " " + manglePath.Replace(point) +
		" rw,nosuid shared:1 - " + fsType + " " + mangleSource.Replace(source) + " rw,user_id=0\n"
}

// oddNames are names whose characters some parser of mountinfo takes for the end of a field.
var oddNames = []string{"a b", "a\tb", "a\nb", "a\rb", "a\fb", "a\vb", "a\u00a0b", "a\u0085b", "a\u1680b", "a\u2003b", "a\u2028b", "a\u202fb",
	"a\u3000b", "a#b", `a\b`, `a\040b`, `a\\b`, "a - b", " a", "a ", "a\r", "-", "a\xffb"}

func TestMountsOfOddNames(t *testing.T) {
	for _, name := range oddNames {
		source, root, point := "zk1:2181/"+name, "/"+name, "/mnt/"+name
		text := "22 1 0:20 / / rw - ext4 /dev/sda1 rw\n" + mountinfoLine(source, root, point) + "46 22 0:43 / /end rw - tmpfs  rw\n"
		table := parsed(t, text)
		want := mount{point, source, fsType, "0:42", owner{}}
		if got := findMount(table, point); got != want {
			t.Errorf("%q: found %+v", name, got)
		}
		p, rest, ok := placeOf(table, point+"/f")
		if !ok || rest != "/f" || p != (place{source, point, root}) {
			t.Errorf("%q: %+v, %q, %v", name, p, rest, ok)
		}
	}
}

func TestMountinfoThatIsNone(t *testing.T) {
	for _, text := range []string{"a line that is none\n", "45 27 0:42 / /mnt rw fuse.zkfs zk rw more and more\n", `45 27 0:42 / /mnt\9 rw - fuse.zkfs zk rw` + "\n"} {
		if table, err := parseMounts(strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), "mountinfo: ") {
			t.Errorf("%q: %v, %v", text, table, err)
		}
	}
}

func FuzzMountinfo(f *testing.F) {
	for _, name := range oddNames {
		f.Add("zk1:2181/"+name, "/"+name, "/mnt/"+name)
	}
	f.Add("a:1/ x - fuse.zkfs b:2/y rw", "/", "/")
	f.Fuzz(func(t *testing.T, source, root, point string) {
		if strings.Contains(source+root+point, "\x00") || len(source)+len(root)+len(point) > 3*4096 {
			return // the kernel takes no such mount
		}
		table := parsed(t, mountinfoLine("other:1/x", "/", "/")+mountinfoLine(source, root, point))
		want := mountLine{mount{point, source, fsType, "0:42", owner{}}, root}
		if len(table) != 2 || table[1] != want {
			t.Fatalf("parsed %+v, want %+v", table, want)
		}
		_, chroot, err := parseSource(source)
		if err != nil {
			return
		}
		if !strings.HasSuffix(source, chroot) || chroot == "/" || strings.HasSuffix(chroot, "/") {
			t.Fatalf("source %q: chroot %s", source, strconv.Quote(chroot))
		}
	})
}
