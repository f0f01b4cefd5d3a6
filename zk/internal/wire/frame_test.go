package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

func frame(body string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(body)))) + body
}

func TestReadFrame(t *testing.T) {
	bodies := []string{"", "a", strings.Repeat("b", 255), strings.Repeat("c", frameChunk), strings.Repeat("d", frameChunk+1), strings.Repeat("e", 1<<20), "z"}
	var stream string
	for _, body := range bodies {
		stream += frame(body)
	}
	readers := map[string]io.Reader{
		"whole":         strings.NewReader(stream),
		"bytes":         iotest.OneByteReader(strings.NewReader(stream)),
		"eof with data": iotest.DataErrReader(strings.NewReader(stream)),
	}
	for name, r := range readers {
		t.Run(name, func(t *testing.T) {
			var buf []byte
			for _, body := range bodies {
				got, err := ReadFrame(r, buf, 1<<20)
				if err != nil || string(got) != body {
					t.Fatalf("got %d bytes, %v; want %d", len(got), err, len(body))
				}
				buf = got
			}
			if _, err := ReadFrame(r, buf, 1<<20); err != io.EOF {
				t.Errorf("after the last frame: %v, want EOF", err)
			}
		})
	}
}

func TestReadFrameErrors(t *testing.T) {
	tests := []struct {
		in   string
		want string
		is   error
	}{
		{"", "EOF", io.EOF},
		{"\x00\x00\x00", "frame length, 3 of 4 bytes: unexpected EOF", io.ErrUnexpectedEOF},
		{"\x00\x00\x00\x05", "frame, 0 of 5 bytes: unexpected EOF", io.ErrUnexpectedEOF},
		{"\x00\x00\x00\x05abcd", "frame, 4 of 5 bytes: unexpected EOF", io.ErrUnexpectedEOF},
		{"\xff\xff\xff\xff", "negative frame length -1", nil},
		{"\x00\x00\x04\x01", "frame length 1025 exceeds the limit of 1024", nil},
		{"HTTP/1.1 400 Bad Request", `frame length 1213486160 ("HTTP") exceeds the limit of 1024`, nil},
		{"\x15\x03\x03\x00\x02\x02\x28", "frame length 352518912 exceeds the limit of 1024", nil},
	}
	for _, tt := range tests {
		b, err := ReadFrame(strings.NewReader(tt.in), nil, 1024)
		if b != nil || err == nil || err.Error() != tt.want {
			t.Errorf("%q: %q, %v; want error %s", tt.in, b, err, tt.want)
		}
		var length *LengthError
		if tt.is != nil && !errors.Is(err, tt.is) || tt.is == nil && !errors.As(err, &length) {
			t.Errorf("%q: error is a %T", tt.in, err)
		}
	}
	r := io.MultiReader(strings.NewReader("\x00\x00\x00\x05ab"), iotest.ErrReader(os.ErrDeadlineExceeded))
	if _, err := ReadFrame(r, nil, 1024); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the reader's error is lost: %v", err)
	}
}

func TestReadFrameUsesBuffer(t *testing.T) {
	in := strings.NewReader("")
	stream, buf := frame("hello"), make([]byte, 0, 16)
	allocs := testing.AllocsPerRun(100, func() {
		in.Reset(stream)
		got, err := ReadFrame(in, buf, 1024)
		if err != nil || &got[0] != &buf[:1][0] {
			t.Fatalf("%q, %v", got, err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations with a sufficient buffer", allocs)
	}
}

// A length is a claim: what ReadFrame allocates follows what arrives.
func TestReadFrameDoesNotTrustLength(t *testing.T) {
	for _, arrived := range []int{0, 100, 100_000, 1_000_000} {
		stream := append([]byte{0x7f, 0xff, 0xff, 0xff}, make([]byte, arrived)...)
		got := allocated(func() {
			if _, err := ReadFrame(bytes.NewReader(stream), nil, 1<<31-1); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatal(err)
			}
		})
		// A buffer that doubles has cost twice its last size, which is up to twice what arrived.
		if limit := uint64(4*arrived + frameChunk + 16<<10); got > limit {
			t.Errorf("%d bytes arrived of 2 GiB, %d allocated, want at most %d", arrived, got, limit)
		}
	}
}

func TestAppendFrame(t *testing.T) {
	h, ping := &RequestHeader{Xid: XidPing, Op: OpPing}, &RequestHeader{Xid: 1, Op: OpCloseSession}
	b := AppendFrame(nil, h)
	b = AppendFrame(b, ping, &SyncRequest{Path: "/a"})
	want := "\x00\x00\x00\x08\xff\xff\xff\xfe\x00\x00\x00\x0b" +
		"\x00\x00\x00\x0e\x00\x00\x00\x01\xff\xff\xff\xf5\x00\x00\x00\x02/a"
	if string(b) != want {
		t.Errorf("got  %x\nwant %x", b, want)
	}
}
