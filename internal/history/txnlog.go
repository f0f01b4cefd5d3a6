package history

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"os"
	"path/filepath"
	"slices"
)

// ChangeKind is what a transaction does to a znode.
type ChangeKind int

const (
	Created ChangeKind = iota
	Set
	Deleted
)

// A Change is what one transaction does to one znode. The parts of a multi have one zxid.
type Change struct {
	Zxid    int64
	Session int64
	Kind    ChangeKind
	Path    string
	Data    []byte // of what is created or set
	Version int32  // after a set
}

// The types of transactions in a log, org.apache.zookeeper.ZooDefs.OpCode.
const (
	txnError           = -1
	txnCreate          = 1
	txnDelete          = 2
	txnSetData         = 5
	txnMulti           = 14
	txnCreate2         = 15
	txnContainer       = 19
	txnDeleteContainer = 20
	txnCreateTTL       = 21
)

// ReadLogs returns what the servers with these data folders (dataLogDir) committed, in the order of the zxids. It reads the
// transaction logs of all of them: one that was away, or lost its data, lacks a part. The servers must have
// been in agreement at the end, and no log may have been purged.
func ReadLogs(folders ...string) ([]Change, error) {
	all := map[int64][]Change{}
	for _, folder := range folders {
		names, err := filepath.Glob(filepath.Join(folder, "version-2", "log.*"))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if err := readLog(name, all); err != nil {
				return nil, err
			}
		}
	}
	var zxids []int64
	for zxid := range all {
		zxids = append(zxids, zxid)
	}
	slices.Sort(zxids)
	var changes []Change
	for _, zxid := range zxids {
		changes = append(changes, all[zxid]...)
	}
	return committed(changes), nil
}

// committed leaves out what a leader wrote to its log and died with: it keeps that when its successor sends it a snapshot instead of
// having it cut its log. That comes last in an epoch, and is given away by a later epoch that does not know it.
func committed(changes []Change) []Change {
	for {
		abandoned := firstAbandoned(changes)
		if abandoned == 0 {
			return changes
		}
		changes = slices.DeleteFunc(changes, func(c Change) bool { return c.Zxid >= abandoned && epoch(c.Zxid) == epoch(abandoned) })
	}
}

// epoch returns that of the leader who gave out the zxid.
func epoch(zxid int64) int64 { return zxid >> 32 }

// firstAbandoned returns the zxid of a change that a change of a later epoch was made without, 0 if there is none: a znode was
// created although it was there, or given a version that it had already.
func firstAbandoned(changes []Change) int64 {
	last := map[string]Change{}
	for _, c := range changes {
		old, ok := last[c.Path]
		unknown := ok && old.Kind != Deleted && (c.Kind == Created || c.Kind == Set && c.Version <= old.Version)
		if unknown && epoch(c.Zxid) > epoch(old.Zxid) {
			return old.Zxid
		}
		last[c.Path] = c
	}
	return 0
}

// readLog adds the transactions of a file to all, and fails if another server has another transaction of the same zxid.
func readLog(name string, all map[int64][]Change) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	err = parseLog(text, func(zxid int64, changes []Change) error {
		if old, ok := all[zxid]; ok && !slices.EqualFunc(old, changes, sameChange) {
			return fmt.Errorf("servers disagree about zxid %#x: %+v, %+v", zxid, old, changes)
		}
		all[zxid] = changes
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func sameChange(a, b Change) bool {
	return a.Session == b.Session && a.Kind == b.Kind && a.Path == b.Path && bytes.Equal(a.Data, b.Data) && a.Version == b.Version
}

// parseLog calls f with each transaction of a log. The log ends where it was preallocated but not written, or
// where its server died in the middle of a record.
func parseLog(text []byte, f func(zxid int64, changes []Change) error) error {
	if len(text) == 0 {
		return nil // its server died, or had no space, before it wrote the header
	}
	head := record{text}
	if magic := head.int(); magic != 0x5a4b4c47 { // ZKLG
		return errors.New("not a transaction log")
	}
	head.int()  // version
	head.long() // database
	for len(head.rest) >= 12 {
		sum, size := head.long(), head.int()
		if size <= 0 || int(size) >= len(head.rest) {
			return nil
		}
		body := head.take(int(size))
		if head.take(1)[0] != 'B' || int64(adler32.Checksum(body)) != sum {
			return nil
		}
		txn := record{body}
		session := txn.long()
		txn.int() // cxid
		zxid := txn.long()
		txn.long() // time
		if err := f(zxid, txn.changes(txn.int(), zxid, session)); err != nil {
			return err
		}
	}
	return nil
}

// record is what is left of a record of Jute.
type record struct{ rest []byte }

func (r *record) take(n int) []byte {
	n = max(0, min(n, len(r.rest)))
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *record) int() int32 {
	b := r.take(4)
	if len(b) < 4 {
		return 0
	}
	return int32(binary.BigEndian.Uint32(b))
}

func (r *record) long() int64 {
	b := r.take(8)
	if len(b) < 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(b))
}

func (r *record) buffer() []byte { return r.take(int(r.int())) }

// changes decodes a transaction of the type.
func (r *record) changes(kind int32, zxid, session int64) []Change {
	c := Change{Zxid: zxid, Session: session}
	switch kind {
	case txnCreate, txnCreate2, txnContainer, txnCreateTTL:
		c.Kind, c.Path, c.Data = Created, string(r.buffer()), r.buffer()
	case txnSetData:
		c.Kind, c.Path, c.Data, c.Version = Set, string(r.buffer()), r.buffer(), r.int()
	case txnDelete, txnDeleteContainer:
		c.Kind, c.Path = Deleted, string(r.buffer())
	case txnMulti:
		return r.multi(zxid, session)
	default:
		return nil // a session, an ACL, a configuration, an error: no change of a znode's content
	}
	return []Change{c}
}

// multi decodes the parts of a multi. One that failed has an error in each part.
func (r *record) multi(zxid, session int64) []Change {
	var all []Change
	for range r.int() {
		kind := r.int()
		part := record{r.buffer()}
		if kind == txnError {
			return nil
		}
		all = append(all, part.changes(kind, zxid, session)...)
	}
	return all
}
