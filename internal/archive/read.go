package archive

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/zkfs/zkfs/internal/cut"
	"github.com/zkfs/zkfs/internal/names"
	"github.com/zkfs/zkfs/xattr"
)

// A Reader reads an archive once.
type Reader struct {
	Header Header

	tar  *tar.Reader
	sum  *sum
	next *tar.Header // was met and is not used yet
}

// NewReader reads the header of an archive.
func NewReader(r io.Reader) (*Reader, error) {
	a := &Reader{tar: tar.NewReader(r), sum: newSum()}
	h, err := a.tar.Next()
	if err != nil || h.Name != headerName {
		return nil, ErrNotArchive
	}
	text, err := io.ReadAll(a.tar)
	if err != nil || json.Unmarshal(text, &a.Header) != nil {
		return nil, ErrNotArchive
	}
	if a.Header.Format != Format {
		return nil, fmt.Errorf("the archive is of format %d: this zkfs knows format %d", a.Header.Format, Format)
	}
	return a, nil
}

// Records goes through the znodes. The last error is [ErrCutShort] unless all that was written is
// there. A Record is valid until the next one.
func (a *Reader) Records() iter.Seq2[*cut.Record, error] {
	return func(yield func(*cut.Record, error) bool) {
		last := ""
		for {
			h, err := a.member()
			if err != nil {
				yield(nil, err)
				return
			}
			if h.Name == trailerName {
				if err := a.end(); err != nil {
					yield(nil, err)
				}
				return
			}
			r, err := a.record(h)
			if err == nil && last != "" && cut.Compare(last, r.Path) >= 0 {
				err = fmt.Errorf("%w: %s stands behind %s", ErrCutShort, r.Path, last)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			last = r.Path
			if !yield(r, nil) {
				return
			}
		}
	}
}

// member returns the header of the next member.
func (a *Reader) member() (*tar.Header, error) {
	if h := a.next; h != nil {
		a.next = nil
		return h, nil
	}
	h, err := a.tar.Next()
	if err != nil {
		return nil, ErrCutShort
	}
	return h, nil
}

// record reads a znode: its member, and that of a directory's data.
func (a *Reader) record(h *tar.Header) (*cut.Record, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(h.Name, "./"), "/")
	r := &cut.Record{Path: "/" + name}
	if path, ok := h.PAXRecords[pathRecord]; ok {
		r.Path = path
	}
	var err error
	if r.Stat, err = xattr.ParseStat(h.PAXRecords[statRecord]); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCutShort, r.Path, err)
	}
	if text, ok := h.PAXRecords[aclRecord]; ok {
		if r.ACL, err = xattr.ParseACL(text); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrCutShort, r.Path, err)
		}
	}
	if r.Sequence, err = sequence(h.PAXRecords[sequenceRecord]); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCutShort, r.Path, err)
	}
	data := h
	if h.Typeflag == tar.TypeDir {
		if data, err = a.member(); err != nil {
			return nil, err
		}
		if data.Name != strings.TrimPrefix(h.Name, "./")+names.Data || data.PAXRecords[statRecord] != "" {
			a.next, data = data, nil
		}
	}
	r.Data = []byte{}
	if data != nil {
		if r.Data, err = io.ReadAll(a.tar); err != nil {
			return nil, ErrCutShort
		}
	}
	a.sum.add(r.Path, h.PAXRecords, r.Data)
	if h.PAXRecords[nullRecord] != "" {
		r.Data = nil
	}
	return r, nil
}

func sequence(text string) (int32, error) {
	switch text {
	case "":
		return 0, nil
	case unknown:
		return cut.Unknown, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	return int32(n), err
}

// end compares what was read with what was written.
func (a *Reader) end() error {
	var want trailer
	text, err := io.ReadAll(a.tar)
	if err != nil || json.Unmarshal(text, &want) != nil || want != a.sum.trailer() {
		return ErrCutShort
	}
	if _, err := a.tar.Next(); !errors.Is(err, io.EOF) {
		return ErrCutShort
	}
	return nil
}
