package main

import (
	"context"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/zk/zktest"
)

func TestDiagnose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := zktest.NewServer()
		defer server.Close()
		answers := func(text string) func(net.Conn) {
			return func(c net.Conn) {
				io.ReadFull(c, make([]byte, len("srvr")))
				io.WriteString(c, text)
				c.Close()
			}
		}
		treat := map[string]func(net.Conn){
			"silent":   func(c net.Conn) { io.Copy(io.Discard, c) },
			"closing":  answers(""),
			"electing": answers("This ZooKeeper instance is not currently serving requests\n"),
			"page":     answers("HTTP/1.1 400 Bad Request\r\n\r\n"),
			"cut":      answers("Zookeeper version: 3.8.0, built on\nMode: leader\nNode co"),
		}
		client := flw.Client{Dial: func(_ context.Context, network, address string) (net.Conn, error) {
			switch {
			case address == "serving":
				return server.Dialer()(network, address, 0)
			case treat[address] == nil:
				return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
			}
			here, there := net.Pipe()
			go treat[address](there) // ends with the connection
			return here, nil
		}}
		const want = "serving serves, but took no session, " +
			"silent takes connections, but does not answer (it hangs, or is a port for TLS), " +
			"closing closes the connection (not ZooKeeper, or a port for TLS), " +
			"electing runs, but has no quorum, " +
			"refusing refuses connections (nothing listens there), " +
			`page does not answer as ZooKeeper does (malformed reply: not a reply to srvr: "HTTP/1.1 400 Bad Request\r\n\r\n"), ` +
			`cut does not answer as ZooKeeper does (malformed reply: a reply to srvr without a line Node count: ` +
			`"Zookeeper version: 3.8.0, built on\nMode: leader\nNode co")`
		got := diagnose(t.Context(), &client, []string{"serving", "silent", "closing", "electing", "refusing", "page", "cut"})
		if got != want {
			t.Errorf("got %q\nwant %q", got, want)
		}
	})
}

func TestAilmentOfNames(t *testing.T) {
	if text := ailment(&net.DNSError{IsNotFound: true}); text != "is not a known host" {
		t.Errorf("%q", text)
	}
	if text := ailment(&net.DNSError{IsTimeout: true}); text != "could not be resolved" {
		t.Errorf("%q", text)
	}
}
