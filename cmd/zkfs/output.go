package main

import (
	"bytes"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/internal/printable"
	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
)

// isTerminal reports whether w shows text to people.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

// printLine prints a name that comes from servers: exactly for a program, and harmless on a
// terminal.
func (z *command) printLine(text string) error { return z.printLines([]string{text}) }

func (z *command) printLines(lines []string) error {
	var b bytes.Buffer
	for _, line := range lines {
		if isTerminal(z.out) {
			line = printable.Line(line)
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	_, err := z.out.Write(b.Bytes())
	return err
}

// printJSON prints each value on a line of its own.
func printJSON[T any](w io.Writer, values []T) error {
	var b bytes.Buffer
	e := jsonTo(&b)
	for _, v := range values {
		if err := e.Encode(v); err != nil {
			return err
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// named reports whether PATH is that of the znode, not that of a file .data or .lock in its
// directory.
func (e *errand) named() bool { return !e.mounted || fs.FilePath(e.path) == e.file }

// shown returns the path of the znode or of one below, in the form in which PATH was given.
func (e *errand) shown(znode string) string {
	if !e.mounted {
		return znode
	}
	root := e.name
	if !e.named() {
		root = filepath.Dir(root)
	}
	return filepath.Join(root, strings.TrimPrefix(fs.FilePath(znode), fs.FilePath(e.path)))
}

// A whereabouts is how JSON names a znode.
type whereabouts struct {
	Path string `json:"path"`           // the znode, from the root of the ensemble
	File string `json:"file,omitempty"` // on the mount, as PATH was given
}

func (e *errand) whereabouts(znode string) whereabouts {
	w := whereabouts{Path: path.Join("/", e.chroot, znode)}
	if e.mounted {
		w.File = e.shown(znode)
	}
	return w
}

// A znodeStat is a znode and its Stat in JSON. Zxids and the owner are hexadecimal, because
// programs that read JSON have 53 bits for a number.
type znodeStat struct {
	whereabouts
	Czxid          string `json:"czxid"`
	Mzxid          string `json:"mzxid"`
	Ctime          string `json:"ctime"`
	Mtime          string `json:"mtime"`
	Version        int32  `json:"version"`
	Cversion       int32  `json:"cversion"`
	Aversion       int32  `json:"aversion"`
	EphemeralOwner string `json:"ephemeralOwner"`
	DataLength     int32  `json:"dataLength"`
	NumChildren    int32  `json:"numChildren"`
	Pzxid          string `json:"pzxid"`
}

func (e *errand) stat(znode string, st *zk.Stat) znodeStat {
	text := map[string]string{}
	for field := range strings.FieldsSeq(xattr.FormatStat(st)) {
		name, value, _ := strings.Cut(field, "=")
		text[name] = value
	}
	return znodeStat{
		whereabouts: e.whereabouts(znode),
		Czxid:       text["czxid"], Mzxid: text["mzxid"], Pzxid: text["pzxid"],
		Ctime: text["ctime"], Mtime: text["mtime"], EphemeralOwner: text["ephemeralOwner"],
		Version: st.Version, Cversion: st.Cversion, Aversion: st.Aversion,
		DataLength: st.DataLength, NumChildren: st.NumChildren,
	}
}
