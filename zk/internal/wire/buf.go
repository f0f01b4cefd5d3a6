package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The primitives of Jute (BinaryOutputArchive.java, BinaryInputArchive.java): big endian throughout; a string
// or buffer is its int32 length and its bytes, -1 for null; a vector is its int32 count and its elements, -1 for null.

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendInt32(b []byte, v int32) []byte { return binary.BigEndian.AppendUint32(b, uint32(v)) }

func appendInt64(b []byte, v int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(v)) }

// appendBuffer writes nil as null and an empty slice as empty: ZooKeeper keeps the two apart.
func appendBuffer(b, v []byte) []byte {
	if v == nil {
		return appendInt32(b, -1)
	}
	return append(appendInt32(b, int32(len(v))), v...)
}

func appendString(b []byte, v string) []byte {
	return append(appendInt32(b, int32(len(v))), v...)
}

func appendStrings(b []byte, v []string) []byte {
	b = appendInt32(b, int32(len(v)))
	for _, s := range v {
		b = appendString(b, s)
	}
	return b
}

// ErrMalformed is the ground of every decoding error.
var ErrMalformed = errors.New("malformed record")

// A Decoder reads primitives from the front of a byte slice. The first violation sticks: from then on
// every read returns a zero value, and Err tells what was wrong. No read trusts a length: nothing is
// allocated for elements that cannot be there.
type Decoder struct {
	buf []byte
	err error
}

// NewDecoder returns a decoder of b. Buffers that it returns are parts of b.
func NewDecoder(b []byte) Decoder { return Decoder{buf: b} }

// Err returns the first violation, or nil.
func (d *Decoder) Err() error { return d.err }

// Len returns the number of bytes that are left.
func (d *Decoder) Len() int { return len(d.buf) }

// End returns the first violation. Bytes that are left over are one.
func (d *Decoder) End() error {
	if d.err == nil && len(d.buf) != 0 {
		d.fail("%d bytes left over", len(d.buf))
	}
	return d.err
}

func (d *Decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
		d.buf = nil
	}
}

// take returns the next n bytes, nil after a violation.
func (d *Decoder) take(n int) []byte {
	if n > len(d.buf) {
		d.fail("%d bytes wanted, %d left", n, len(d.buf))
		return nil
	}
	b := d.buf[:n:n]
	d.buf = d.buf[n:]
	return b
}

func (d *Decoder) bool() bool {
	if b := d.take(1); b != nil {
		return b[0] != 0
	}
	return false
}

func (d *Decoder) int8() int8 {
	if b := d.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (d *Decoder) int32() int32 {
	if b := d.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (d *Decoder) int64() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// buffer returns a part of the input, nil for null.
func (d *Decoder) buffer() []byte {
	n := d.int32()
	switch {
	case d.err != nil || n == -1:
		return nil
	case n < -1:
		d.fail("length %d", n)
		return nil
	}
	return d.take(int(n))
}

// string reads null as empty, as Jute's users do.
func (d *Decoder) string() string { return string(d.buffer()) }

// count reads the length of a vector whose elements take at least size bytes each; null is 0.
func (d *Decoder) count(size int) int {
	n := d.int32()
	switch {
	case d.err != nil || n == -1:
		return 0
	case n < -1 || int(n) > len(d.buf)/size:
		d.fail("%d elements in %d bytes", n, len(d.buf))
		return 0
	}
	return int(n)
}

// strings reads a vector of strings into two allocations, one for all the bytes and one for the
// slice: a list of children may hold a hundred thousand names. One without elements, or null, is
// empty and not nil.
func (d *Decoder) strings() []string {
	n := d.count(4)
	if d.err != nil {
		return nil
	}
	start := d.buf
	for range n {
		d.buffer()
	}
	if d.err != nil {
		return nil
	}
	text := string(start[:len(start)-len(d.buf)])
	list := make([]string, n)
	for i, at := 0, 0; i < n; i++ {
		size := max(0, int(int32(binary.BigEndian.Uint32(start[at:]))))
		list[i] = text[at+4 : at+4+size]
		at += 4 + size
	}
	return list
}
