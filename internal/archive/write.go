package archive

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/xattr"
)

// A Writer writes an archive.
type Writer struct {
	tar     *tar.Writer
	sum     *sum
	written time.Time
}

// NewWriter begins an archive with its header.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	h.Format = Format
	a := &Writer{tar: tar.NewWriter(w), sum: newSum(), written: h.Written}
	return a, a.note(headerName, h)
}

// note writes a member that is no znode.
func (a *Writer) note(name string, content any) error {
	text, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	return a.member(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o444, ModTime: a.written}, text)
}

func (a *Writer) member(h *tar.Header, data []byte) error {
	h.Size = int64(len(data))
	if h.PAXRecords != nil {
		h.Format = tar.FormatPAX
	}
	if err := a.tar.WriteHeader(h); err != nil {
		return fmt.Errorf("write %s: %w", h.Name, err)
	}
	_, err := a.tar.Write(data)
	return err
}

// Add writes a znode. They come in the order of cut.Compare.
func (a *Writer) Add(r *cut.Record) error {
	h := &tar.Header{
		Typeflag: tar.TypeReg, Name: member(r.Path), Mode: 0o644,
		ModTime: time.UnixMilli(r.Stat.Mtime).Truncate(time.Second), PAXRecords: records(r),
	}
	if h.Name != strings.TrimPrefix(r.Path, "/") && r.Path != "/" {
		h.PAXRecords[pathRecord] = r.Path
	}
	a.sum.add(r.Path, h.PAXRecords, r.Data)
	if !isDirectory(r) {
		return a.member(h, r.Data)
	}
	within := h.Name
	h.Typeflag, h.Name, h.Mode = tar.TypeDir, h.Name+"/", 0o755
	if r.Path == "/" {
		h.Name, within = "./", ""
	} else {
		within += "/"
	}
	if err := a.member(h, nil); err != nil || len(r.Data) == 0 {
		return err
	}
	return a.member(&tar.Header{
		Typeflag: tar.TypeReg, Name: within + names.Data, Mode: 0o644, ModTime: h.ModTime,
	}, r.Data)
}

// Close ends the archive. Without it no reader takes the archive for a whole one.
func (a *Writer) Close() error {
	if err := a.note(trailerName, a.sum.trailer()); err != nil {
		return err
	}
	return a.tar.Close()
}

// isDirectory reports whether a znode is a directory on a mount.
func isDirectory(r *cut.Record) bool {
	s := &r.Stat
	switch {
	case r.Path == "/":
		return true
	case s.EphemeralOwner != 0:
		return false
	case s.NumChildren != 0 || s.Cversion != 0:
		return true
	}
	return len(r.Data) == 0 && s.Version == 0
}

// member returns the name of a znode's member: that of its file on a mount.
func member(path string) string {
	parts := strings.Split(path[1:], "/")
	for i, name := range parts {
		parts[i] = names.Shown(name, i == 0)
		if i == 0 && (name == headerName || name == trailerName) {
			parts[i] = "%2E" + name[1:]
		}
	}
	return strings.Join(parts, "/")
}

// records returns the attributes of a znode.
func records(r *cut.Record) map[string]string {
	m := map[string]string{statRecord: xattr.FormatStat(&r.Stat)}
	if len(r.ACL) > 0 {
		m[aclRecord] = xattr.FormatACL(r.ACL)
	}
	switch {
	case r.Sequence == cut.Unknown:
		m[sequenceRecord] = unknown
	case r.Sequence > 0:
		m[sequenceRecord] = strconv.Itoa(int(r.Sequence))
	}
	if r.Stat.EphemeralOwner != 0 {
		m[ephemeralRecord] = fmt.Sprintf("%#x", uint64(r.Stat.EphemeralOwner))
	}
	if r.Data == nil {
		m[nullRecord] = "1"
	}
	return m
}
