package wire

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

func (r *Stat) Decode(d *Decoder) {
	r.Czxid = d.int64()
	r.Mzxid = d.int64()
	r.Ctime = d.int64()
	r.Mtime = d.int64()
	r.Version = d.int32()
	r.Cversion = d.int32()
	r.Aversion = d.int32()
	r.EphemeralOwner = d.int64()
	r.DataLength = d.int32()
	r.NumChildren = d.int32()
	r.Pzxid = d.int64()
}
