package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

// Opcodes and xids of the protocol (ZooDefs.java, ClientCnxn.java).
const (
	opExists      = 3
	opSetData     = 5
	opPing        = 11
	opMultiRead   = 22
	opSetWatches  = 101
	opAddWatch    = 106
	opClose       = -11
	xidEvent      = -1
	xidSetWatches = -8
)

// rawConn is a session whose user writes the bytes himself: what a server can do, without a client.
type rawConn struct {
	net.Conn
	r       *bufio.Reader
	session []byte // id and password
}

func dialRaw(addr string) (*rawConn, error) {
	return resumeRaw(addr, append(make([]byte, 8), append([]byte{0, 0, 0, 16}, make([]byte, 16)...)...))
}

func resumeRaw(addr string, session []byte) (*rawConn, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &rawConn{Conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}
	hello := make([]byte, 4+4+8, 49) // length, version, last zxid
	binary.BigEndian.PutUint32(hello, 45)
	hello = binary.BigEndian.AppendUint32(hello, 30000) // session timeout
	hello = append(append(hello, session...), 0)        // not read-only
	_, err = c.Write(hello)
	var granted []byte
	if err == nil {
		granted, err = c.frame()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	c.session = bytes.Clone(granted[8:][:len(session)])
	return c, nil
}

// frame reads the next frame; it stays valid until the next call.
func (c *rawConn) frame() ([]byte, error) {
	head, err := c.r.Peek(4)
	if err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head))
	if n > c.r.Size()-4 {
		return nil, fmt.Errorf("frame of %d bytes", n)
	}
	frame, err := c.r.Peek(4 + n)
	if err != nil {
		return nil, err
	}
	c.r.Discard(4 + n)
	return frame[4:], nil
}

// await reads until the frame with the xid.
func (c *rawConn) await(xid int32) error {
	for {
		frame, err := c.frame()
		if err != nil {
			return err
		}
		if int32(binary.BigEndian.Uint32(frame)) != xid {
			continue
		}
		if code := int32(binary.BigEndian.Uint32(frame[12:])); code != 0 && code != -101 {
			return fmt.Errorf("reply to xid %d: error %d", xid, code)
		}
		return nil
	}
}

// call writes a request and waits for its reply.
func (c *rawConn) call(xid, op int32, record []byte) error {
	if _, err := c.Write(appendRequest(nil, xid, op, record)); err != nil {
		return err
	}
	return c.await(xid)
}

// stream writes b while it reads n replies.
func (c *rawConn) stream(b []byte, n int) error {
	wrote := make(chan error, 1)
	go func() { // ends with the write, or the connection
		_, err := c.Write(b)
		wrote <- err
	}()
	for range n {
		if _, err := c.frame(); err != nil {
			return err
		}
	}
	return <-wrote
}

// pipeline writes requests, in writes of perWrite of them, four of which are on their way at a time, and reads n replies.
func (c *rawConn) pipeline(writes [][]byte, perWrite, n int) error {
	for i := range n {
		if i%perWrite == 0 && len(writes) > 0 {
			due := 1
			if i == 0 {
				due = 4
			}
			for _, b := range writes[:min(due, len(writes))] {
				if _, err := c.Write(b); err != nil {
					return err
				}
				writes = writes[1:]
			}
		}
		if _, err := c.frame(); err != nil {
			return err
		}
	}
	return nil
}

func (c *rawConn) close() {
	c.Write(appendRequest(nil, 1<<20, opClose, nil))
	io.Copy(io.Discard, c.r)
	c.Close()
}

func appendRequest(b []byte, xid, op int32, record []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(8+len(record)))
	b = binary.BigEndian.AppendUint32(b, uint32(xid))
	b = binary.BigEndian.AppendUint32(b, uint32(op))
	return append(b, record...)
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
