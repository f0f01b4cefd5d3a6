package wire

import "encoding/binary"

// Stat is the metadata of a znode. Its fields are described at zk.Stat.
type Stat struct {
	Czxid          int64
	Mzxid          int64
	Ctime          int64
	Mtime          int64
	Version        int32
	Cversion       int32
	Aversion       int32
	EphemeralOwner int64
	DataLength     int32
	NumChildren    int32
	Pzxid          int64
}

// StatSize is the encoded size of a Stat.
const StatSize = 68

func (r *Stat) Append(b []byte) []byte {
	b = appendInt64(b, r.Czxid)
	b = appendInt64(b, r.Mzxid)
	b = appendInt64(b, r.Ctime)
	b = appendInt64(b, r.Mtime)
	b = appendInt32(b, r.Version)
	b = appendInt32(b, r.Cversion)
	b = appendInt32(b, r.Aversion)
	b = appendInt64(b, r.EphemeralOwner)
	b = appendInt32(b, r.DataLength)
	b = appendInt32(b, r.NumChildren)
	return appendInt64(b, r.Pzxid)
}

// Decode checks the length once for all fields: a Stat is in most replies.
func (r *Stat) Decode(d *Decoder) {
	b := d.take(StatSize)
	if b == nil {
		return
	}
	r.Czxid = int64(binary.BigEndian.Uint64(b[0:]))
	r.Mzxid = int64(binary.BigEndian.Uint64(b[8:]))
	r.Ctime = int64(binary.BigEndian.Uint64(b[16:]))
	r.Mtime = int64(binary.BigEndian.Uint64(b[24:]))
	r.Version = int32(binary.BigEndian.Uint32(b[32:]))
	r.Cversion = int32(binary.BigEndian.Uint32(b[36:]))
	r.Aversion = int32(binary.BigEndian.Uint32(b[40:]))
	r.EphemeralOwner = int64(binary.BigEndian.Uint64(b[44:]))
	r.DataLength = int32(binary.BigEndian.Uint32(b[52:]))
	r.NumChildren = int32(binary.BigEndian.Uint32(b[56:]))
	r.Pzxid = int64(binary.BigEndian.Uint64(b[60:]))
}
