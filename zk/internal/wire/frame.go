package wire

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A LengthError is the error of a frame whose length no peer of this protocol sends. The stream has no next frame.
type LengthError struct {
	Length int32
	Limit  int
}

// Error shows a length that is text as text too: the peer speaks HTTP, say, or is being probed with a four-letter word.
func (e *LengthError) Error() string {
	head := binary.BigEndian.AppendUint32(nil, uint32(e.Length))
	what := fmt.Sprintf("%d", e.Length)
	if isText(head) {
		what = fmt.Sprintf("%d (%q)", e.Length, head)
	}
	if e.Length < 0 {
		return "negative frame length " + what
	}
	return fmt.Sprintf("frame length %s exceeds the limit of %d", what, e.Limit)
}

func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// AppendFrame appends the frame which holds the records, a header and a request's record for example.
func AppendFrame(b []byte, records ...Record) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	for _, r := range records {
		b = r.Append(b)
	}
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-4))
	return b
}

// frameChunk is how much ReadFrame allocates at first for a frame that claims to be larger.
const frameChunk = 64 << 10

// ReadFrame reads one frame and returns its body, in the memory of buf if that is large enough. A claimed length
// costs nothing: beyond a first chunk, memory is allocated for at most twice the bytes that have arrived.
//
// The error is io.EOF if the stream ends before the frame, a *LengthError if the length is negative or exceeds limit, and
// else wraps the reader's; io.ErrUnexpectedEOF stands for an end inside the frame. After any error the stream is of no use.
func ReadFrame(r io.Reader, buf []byte, limit int) ([]byte, error) {
	if cap(buf) < 4 {
		buf = make([]byte, 4, 256)
	}
	if n, err := io.ReadFull(r, buf[:4]); err != nil {
		if n == 0 && err == io.EOF {
			return nil, err
		}
		return nil, fmt.Errorf("frame length, %d of 4 bytes: %w", n, err)
	}
	length := int32(binary.BigEndian.Uint32(buf[:4]))
	if length < 0 || int(length) > limit {
		return nil, &LengthError{Length: length, Limit: limit}
	}
	return readBody(r, buf[:0], int(length))
}

// readBody reads length bytes, first into the memory of body. It leaves that at once if it is too small for the
// first chunk, and later when it is full.
func readBody(r io.Reader, body []byte, length int) ([]byte, error) {
	for len(body) < length {
		if len(body) == cap(body) || len(body) == 0 && cap(body) < min(length, frameChunk) {
			larger := make([]byte, len(body), min(length, max(frameChunk, 2*len(body))))
			copy(larger, body)
			body = larger
		}
		got := len(body)
		n, err := io.ReadFull(r, body[got:min(length, cap(body))])
		body = body[:got+n]
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("frame, %d of %d bytes: %w", len(body), length, err)
		}
	}
	return body, nil
}
