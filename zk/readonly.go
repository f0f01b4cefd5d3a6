package zk

import (
	"context"
	"errors"
	"io"
	"time"
)

// errWritable ends the connection to a read-only server when another one is found that can write.
var errWritable = errors.New("zk: a server that can write is back")

// How often a read-only client looks for a server that can write (ClientCnxn.java minPingRwTimeout, maxPingRwTimeout).
const (
	firstProbe = 100 * time.Millisecond
	maxProbe   = time.Minute
)

// probe looks for a server that can write while this one is read-only, and ends the connection when it has found one.
// It ends with the connection.
func (t *transport) probe() {
	ctx, cancel := context.WithCancel(t.c.life)
	defer cancel()
	go func() { // ends with the connection, or with probe
		select {
		case <-t.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	for wait := firstProbe; ; wait = min(2*wait, maxProbe) {
		pause := time.NewTimer(wait)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
		server, _ := t.c.hosts.Next()
		if t.c.writable(ctx, server) {
			t.c.prefer = server
			t.end(errWritable)
			return
		}
	}
}

// writable asks a server whether it can write, with the four-letter word isro (IsroCommand.java).
func (c *client) writable(ctx context.Context, server string) bool {
	limit := c.connectLimit()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := c.dial(ctx, server, limit)
	if err != nil {
		return false
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	conn, err = c.encrypt(ctx, server, c.secrets().TLS, conn)
	if err != nil {
		return false
	}
	if _, err := io.WriteString(conn, "isro"); err != nil {
		return false
	}
	var answer [2]byte
	_, err = io.ReadFull(conn, answer[:])
	return err == nil && string(answer[:]) == "rw"
}
