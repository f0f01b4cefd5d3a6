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
// of 100 bytes: what is measured is the client.
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
func serveCanned() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
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
	io.Copy(io.Discard, os.Stdin)
}

func canned(c net.Conn) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 64<<10)
	var head [12]byte
	if _, err := io.ReadFull(r, head[:4]); err != nil {
		return
	}
	r.Discard(int(binary.BigEndian.Uint32(head[:4])))
	hello := binary.BigEndian.AppendUint32(nil, 37)
	hello = binary.BigEndian.AppendUint32(hello, 0)
	hello = binary.BigEndian.AppendUint32(hello, 10000)
	hello = binary.BigEndian.AppendUint64(hello, 1)
	hello = binary.BigEndian.AppendUint32(hello, 16)
	c.Write(append(hello, make([]byte, 17)...))
	record := append(binary.BigEndian.AppendUint32(nil, 100), make([]byte, 100+68)...)
	var out []byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		r.Discard(int(binary.BigEndian.Uint32(head[:4])) - 8)
		body := record
		if op := int32(binary.BigEndian.Uint32(head[8:])); op == 11 || op == -11 { // ping, closeSession
			body = nil
		}
		out = binary.BigEndian.AppendUint32(out, uint32(16+len(body)))
		out = append(out, head[4:8]...) // xid
		out = binary.BigEndian.AppendUint64(out, 1)
		out = binary.BigEndian.AppendUint32(out, 0)
		out = append(out, body...)
		if r.Buffered() < len(head) || len(out) > 64<<10 {
			if _, err := c.Write(out); err != nil {
				return
			}
			out = out[:0]
		}
	}
}
