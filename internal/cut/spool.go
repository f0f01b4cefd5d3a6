package cut

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/zkfs/zkfs/zk"
)

// A spool keeps what was read of znodes in a file without a name.
type spool struct {
	file *os.File
	w    *bufio.Writer
	end  int64
	acls aclTable
	b    []byte // of the record that is written or read
}

// noData stands for the length of data that the server says to be null.
const noData = 1<<32 - 1

// headSize is the length of a record without its data.
const headSize = 6*8 + 5*4 + 4 + 4

// newSpool makes a spool in the folder, "" for that of temporary files.
func newSpool(folder string) (*spool, error) {
	f, err := os.CreateTemp(folder, ".zkfs-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return &spool{file: f, w: bufio.NewWriterSize(f, 1<<20), acls: newACLTable()}, nil
}

func (s *spool) close() error { return s.file.Close() }

// add appends a record and returns where it is. Its path is not kept.
func (s *spool) add(r *Record) (at int64, err error) {
	b := s.b[:0]
	for _, v := range longs(&r.Stat) {
		b = binary.BigEndian.AppendUint64(b, uint64(*v))
	}
	for _, v := range ints(&r.Stat) {
		b = binary.BigEndian.AppendUint32(b, uint32(*v))
	}
	b = binary.BigEndian.AppendUint32(b, s.acls.number(r.ACL))
	size := uint32(len(r.Data))
	if r.Data == nil {
		size = noData
	}
	b = binary.BigEndian.AppendUint32(b, size)
	s.b = b
	if _, err := s.w.Write(b); err != nil {
		return 0, fmt.Errorf("keep what was read: %w", err)
	}
	if _, err := s.w.Write(r.Data); err != nil {
		return 0, fmt.Errorf("keep what was read: %w", err)
	}
	at = s.end
	s.end += int64(len(b) + len(r.Data))
	return at, nil
}

// flush lets read find what was added.
func (s *spool) flush() error {
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("keep what was read: %w", err)
	}
	return nil
}

// reset forgets all that was kept.
func (s *spool) reset() error {
	s.w.Reset(s.file)
	s.end = 0
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return s.file.Truncate(0)
}

// read fills r with the record that is at an offset.
func (s *spool) read(at int64, r *Record) error {
	const guess = 1 << 10 // most records are shorter
	if cap(s.b) < guess {
		s.b = make([]byte, guess)
	}
	b := s.b[:guess]
	n, err := s.file.ReadAt(b, at)
	if n < headSize {
		return fmt.Errorf("read what was kept: %w", err)
	}
	b = b[:n]
	for _, v := range longs(&r.Stat) {
		*v = int64(binary.BigEndian.Uint64(b))
		b = b[8:]
	}
	for _, v := range ints(&r.Stat) {
		*v = int32(binary.BigEndian.Uint32(b))
		b = b[4:]
	}
	r.ACL = s.acls.list[binary.BigEndian.Uint32(b)]
	size := binary.BigEndian.Uint32(b[4:])
	b = b[8:]
	if size == noData {
		r.Data = nil
		return nil
	}
	r.Data = make([]byte, size)
	if had := copy(r.Data, b); had < len(r.Data) {
		if _, err := s.file.ReadAt(r.Data[had:], at+headSize+int64(had)); err != nil && err != io.EOF {
			return fmt.Errorf("read what was kept: %w", err)
		}
	}
	return nil
}

func longs(s *zk.Stat) [6]*int64 {
	return [6]*int64{&s.Czxid, &s.Mzxid, &s.Ctime, &s.Mtime, &s.EphemeralOwner, &s.Pzxid}
}

func ints(s *zk.Stat) [5]*int32 {
	return [5]*int32{&s.Version, &s.Cversion, &s.Aversion, &s.DataLength, &s.NumChildren}
}

// An aclTable holds each ACL once: a tree has few.
type aclTable struct {
	list    [][]zk.ACL
	numbers map[string]uint32
	key     []byte // of the ACL that is looked up
}

func newACLTable() aclTable { return aclTable{numbers: map[string]uint32{}} }

func (t *aclTable) number(acl []zk.ACL) uint32 {
	key := t.key[:0]
	for _, a := range acl {
		key = binary.BigEndian.AppendUint32(key, uint32(a.Perms))
		for _, part := range [...]string{a.Scheme, a.ID} {
			key = append(binary.AppendUvarint(key, uint64(len(part))), part...)
		}
	}
	t.key = key
	n, ok := t.numbers[string(key)]
	if !ok {
		n = uint32(len(t.list))
		t.list = append(t.list, acl)
		t.numbers[string(key)] = n
	}
	return n
}
