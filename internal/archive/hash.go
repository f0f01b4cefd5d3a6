package archive

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
)

// A sum is the hash of the znodes of an archive.
type sum struct {
	hash.Hash
	znodes int
	b      []byte
}

func newSum() *sum { return &sum{Hash: sha256.New()} }

// add adds a znode: its path, the records of its member, its data.
func (s *sum) add(path string, records map[string]string, data []byte) {
	s.znodes++
	b := append(s.b[:0], path...)
	for _, key := range slices.Sorted(maps.Keys(records)) {
		if len(key) > len(attributes) && key[:len(attributes)] == attributes {
			b = append(append(append(append(b, 0), key...), '='), records[key]...)
		}
	}
	b = binary.BigEndian.AppendUint64(append(b, 0), uint64(len(data)))
	s.b = b
	s.Write(b)
	s.Write(data)
}

func (s *sum) trailer() trailer {
	return trailer{Znodes: s.znodes, SHA256: hex.EncodeToString(s.Sum(nil))}
}
