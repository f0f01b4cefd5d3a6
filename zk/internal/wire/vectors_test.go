package wire

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Frames recorded from real servers decode to the text beside them and encode to the same bytes again.
func TestVectors(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no vectors in testdata")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			testVectors(t, strings.Split(string(content), "\n"))
		})
	}
}

func testVectors(t *testing.T, lines []string) {
	var request Message
	count := 0
	for i, line := range lines {
		if strings.HasPrefix(line, "# connection") {
			request = Message{}
		}
		direction, text, _ := strings.Cut(line, " ")
		if direction != ">" && direction != "<" {
			continue
		}
		count++
		frame, err := hex.DecodeString(strings.TrimSpace(lines[i+1]))
		if err != nil {
			t.Fatalf("line %d: %v", i+2, err)
		}
		body, err := ReadFrame(bytes.NewReader(frame), nil, len(frame))
		if err != nil {
			t.Fatalf("line %d: %v", i+2, err)
		}
		var m Message
		var again []byte
		if direction == ">" {
			m, err = DecodeRequest(body, request.Op == 0)
			again = m.AppendRequest(nil)
			request = m
		} else {
			op := request.Op
			if strings.HasPrefix(text, "notification") {
				op = OpNotification
			}
			m, err = DecodeReply(body, op)
			again = m.AppendReply(nil)
		}
		if err != nil || m.String() != text {
			t.Errorf("line %d: %v\ngot  %s\nwant %s", i+1, err, &m, text)
		}
		if m.Err != CodeOK { // what may follow the header means nothing
			again, frame = again[4:], frame[4:][:ReplyHeaderSize]
		}
		if !bytes.Equal(again, frame) {
			t.Errorf("line %d: %s\ngot  %x\nwant %x", i+2, text, again, frame)
		}
	}
	if count < 100 {
		t.Errorf("%d frames, want the recorded hundred", count)
	}
}
