// Package wire turns the records of the ZooKeeper protocol into bytes and back.
//
// A connection carries frames: an int32 length, then that many bytes. After the handshake (ConnectRequest,
// ConnectResponse) each frame to the server is a RequestHeader and the record of the operation, each frame
// from it a ReplyHeader and, where Err is 0, the record of the reply. The records are those of
// zookeeper-jute/src/main/resources/zookeeper.jute, one struct each, under the names that they have there;
// the requests' records are in the files of their families.
//
// Both directions of every record are here, so that the client, the in-process server of the tests and the
// tracer share them. Nothing in this package knows of the network or starts a goroutine.
package wire

// A Record is the pointer to one of this package's structs.
type Record interface {
	// Append appends the encoded record to b.
	Append(b []byte) []byte
	// Decode reads the record. Errors stick to d.
	Decode(d *Decoder)
}

// Unmarshal decodes exactly one record from b. Buffers in r are parts of b.
func Unmarshal(b []byte, r Record) error {
	d := NewDecoder(b)
	r.Decode(&d)
	return d.End()
}

// appendRecords writes a vector of records.
func appendRecords[T any, P interface {
	*T
	Record
}](b []byte, v []T) []byte {
	b = appendInt32(b, int32(len(v)))
	for i := range v {
		b = P(&v[i]).Append(b)
	}
	return b
}

// decodeRecords reads a vector of records which take at least size bytes each.
func decodeRecords[T any, P interface {
	*T
	Record
}](d *Decoder, size int) []T {
	n := d.count(size)
	if n == 0 {
		return nil
	}
	v := make([]T, n)
	for i := range v {
		P(&v[i]).Decode(d)
	}
	return v
}
