package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestPrimitives(t *testing.T) {
	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{"true", appendBool(nil, true), "\x01"},
		{"false", appendBool(nil, false), "\x00"},
		{"int", appendInt32(nil, -2), "\xff\xff\xff\xfe"},
		{"long", appendInt64(nil, 0x0102030405060708), "\x01\x02\x03\x04\x05\x06\x07\x08"},
		{"null buffer", appendBuffer(nil, nil), "\xff\xff\xff\xff"},
		{"empty buffer", appendBuffer(nil, []byte{}), "\x00\x00\x00\x00"},
		{"buffer", appendBuffer(nil, []byte("ab")), "\x00\x00\x00\x02ab"},
		{"empty string", appendString(nil, ""), "\x00\x00\x00\x00"},
		{"string", appendString(nil, "é"), "\x00\x00\x00\x02\xc3\xa9"},
		{"no strings", appendStrings(nil, nil), "\x00\x00\x00\x00"},
		{"strings", appendStrings(nil, []string{"a", ""}), "\x00\x00\x00\x02\x00\x00\x00\x01a\x00\x00\x00\x00"},
	}
	for _, tt := range tests {
		if string(tt.got) != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestNullAndEmpty(t *testing.T) {
	const null, zero = "\xff\xff\xff\xff", "\x00\x00\x00\x00"
	for in, isNil := range map[string]bool{null: true, zero: false} {
		d := NewDecoder([]byte(in))
		b := d.buffer()
		if (b == nil) != isNil || len(b) != 0 || d.End() != nil {
			t.Errorf("buffer %q: %#v, %v", in, b, d.End())
		}
		d = NewDecoder([]byte(in))
		if s := d.string(); s != "" || d.End() != nil {
			t.Errorf("string %q: %q, %v", in, s, d.End())
		}
		d = NewDecoder([]byte(in))
		if v := d.strings(); v == nil || len(v) != 0 || d.End() != nil {
			t.Errorf("strings %q: %q, %v", in, v, d.End())
		}
	}
	d := NewDecoder([]byte("\x00\x00\x00\x03" + null + zero + "\x00\x00\x00\x01a"))
	if v := d.strings(); fmt.Sprintf("%q", v) != `["" "" "a"]` || d.End() != nil {
		t.Errorf("a null among strings: %q, %v", v, d.End())
	}
}

func TestDecoderErrorsStick(t *testing.T) {
	d := NewDecoder([]byte("\x00\x00\x00\x09abc\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"))
	d.int64()
	d.buffer()
	first := d.Err()
	if !errors.Is(first, ErrMalformed) {
		t.Fatal(first)
	}
	if d.bool() || d.int32() != 0 || d.int64() != 0 || d.buffer() != nil || d.string() != "" || d.strings() != nil || d.count(1) != 0 {
		t.Error("a read after a violation returns something")
	}
	if d.Err() != first || d.End() != first || d.Len() != 0 {
		t.Errorf("the first error is replaced: %v", d.End())
	}
}

func TestRefusedLengths(t *testing.T) {
	read := map[string]func(d *Decoder){
		"buffer":  func(d *Decoder) { d.buffer() },
		"string":  func(d *Decoder) { _ = d.string() },
		"strings": func(d *Decoder) { d.strings() },
		"count":   func(d *Decoder) { d.count(4) },
		"records": func(d *Decoder) { decodeRecords[ACL](d, aclMinSize) },
	}
	for name, f := range read {
		for _, length := range []string{"\xff\xff\xff\xfe", "\x80\x00\x00\x00", "\x7f\xff\xff\xff", "\x00\x00\x00\x09"} {
			d := NewDecoder([]byte(length + "12345678"))
			f(&d)
			if !errors.Is(d.Err(), ErrMalformed) {
				t.Errorf("%s of length %x: %v", name, length, d.Err())
			}
		}
	}
}

// A buffer of a decoded record has no room behind it: appending to it does not write over what follows.
func TestBuffersAreClosed(t *testing.T) {
	in := (&SetDataRequest{Path: "/a", Data: []byte("xy"), Version: 7}).Append(nil)
	before := bytes.Clone(in)
	var r SetDataRequest
	if err := Unmarshal(in, &r); err != nil {
		t.Fatal(err)
	}
	_ = append(r.Data, "overwritten"...)
	if !bytes.Equal(in, before) {
		t.Error("append to a decoded buffer changed the input")
	}
}

func TestStringsAllocateTwice(t *testing.T) {
	names := make([]string, 100_000)
	for i := range names {
		names[i] = fmt.Sprintf("name-%010d", i)
	}
	in := appendStrings(nil, names)
	got := testing.AllocsPerRun(5, func() {
		d := NewDecoder(in)
		if v := d.strings(); len(v) != len(names) || v[99_999] != names[99_999] {
			t.Fatal("strings lost")
		}
	})
	if got > 2 {
		t.Errorf("%v allocations for 100,000 names", got)
	}
}

// maxAmplification is how many bytes a decoder may allocate for each byte of input: it is the list of results of a
// multi whose elements take the most, 24 bytes for 9, that again for each time that the list has grown, and 4 for the
// code of a failed one, 8 with the race detector.
const maxAmplification = 18

// Whatever an input claims, decoding it allocates in proportion to what is there.
func TestHostileCounts(t *testing.T) {
	const size = 1 << 20
	inputs := map[string][]byte{"zeros": make([]byte, size), "ones": bytes.Repeat([]byte{0xff}, size)}
	// A vector may claim as many elements as could just fit.
	for _, elem := range []int{4, 8, 12} {
		inputs[fmt.Sprintf("elements of %d", elem)] = append(appendInt32(nil, int32(size/elem)), make([]byte, size)...)
	}
	for _, op := range []Op{OpDelete, OpCheck, OpCreate, OpGetData, OpGetChildren, OpError} {
		h := MultiHeader{Op: op}
		inputs["a multi of "+op.String()] = []byte(strings.Repeat(string(h.Append(nil)), size/9))
		inputs["a multi of null "+op.String()] = []byte(strings.Repeat(string(appendInt32(h.Append(nil), -1)), size/13))
	}
	for name, in := range inputs {
		for _, r := range samples {
			r := empty(r)
			got := allocated(func() { _ = Unmarshal(in, r) })
			if limit := uint64(maxAmplification*len(in) + 16<<10); got > limit {
				t.Errorf("%s from %s: %d bytes allocated for %d", typeName(r), name, got, len(in))
			}
		}
	}
}
