package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
)

// startCanned starts this program once more, as a server in a process of its own that answers every request at once, as a getData
// of 100 bytes or a multiRead of those: what is measured is the client. It answers in one write all that it has read at a time.
func startCanned() (addr string, stop func(), err error) {
	exe, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(exe, "-canned")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	return strings.TrimSpace(line), func() { stdin.Close(); cmd.Wait() }, err
}

// serveCanned serves until its standard input ends.
func serveCanned() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() { // ends with the process
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go canned(c) // ends with the connection
		}
	}()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func canned(c net.Conn) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 64<<10)
	head, err := r.Peek(4)
	if err != nil {
		return
	}
	r.Discard(4 + int(binary.BigEndian.Uint32(head)))
	hello := binary.BigEndian.AppendUint32(nil, 37)
	hello = binary.BigEndian.AppendUint32(hello, 0)
	hello = binary.BigEndian.AppendUint32(hello, 10000)
	hello = binary.BigEndian.AppendUint64(hello, 1)
	hello = binary.BigEndian.AppendUint32(hello, 16)
	c.Write(append(hello, make([]byte, 17)...))
	var out []byte
	for {
		head, err := r.Peek(12)
		if err != nil {
			return
		}
		size := 4 + int(binary.BigEndian.Uint32(head))
		request, err := r.Peek(size)
		if err != nil {
			return
		}
		out = appendAnswer(out, request[4:])
		r.Discard(size)
		if r.Buffered() < 12 || len(out) > 256<<10 {
			if _, err := c.Write(out); err != nil {
				return
			}
			out = out[:0]
		}
	}
}

// cannedData is a GetDataResponse of 100 bytes.
var cannedData = append(binary.BigEndian.AppendUint32(nil, 100), make([]byte, 100+68)...)

// appendAnswer appends the frame that answers request, which begins with xid and opcode.
func appendAnswer(out, request []byte) []byte {
	start := len(out)
	out = append(out, 0, 0, 0, 0)
	out = append(out, request[:4]...)
	out = binary.BigEndian.AppendUint64(out, 1)
	out = binary.BigEndian.AppendUint32(out, 0)
	switch op := int32(binary.BigEndian.Uint32(request[4:])); op {
	case opPing, opClose:
	case opMultiRead: // opcode, done, error, path, watch
		for at := 8; request[at+4] == 0; at += 9 + 4 + int(binary.BigEndian.Uint32(request[at+9:])) + 1 {
			out = append(out, 0, 0, 0, 4, 0, 0, 0, 0, 0)
			out = append(out, cannedData...)
		}
		out = append(out, 0xff, 0xff, 0xff, 0xff, 1, 0xff, 0xff, 0xff, 0xff)
	default:
		out = append(out, cannedData...)
	}
	binary.BigEndian.PutUint32(out[start:], uint32(len(out)-start-4))
	return out
}
