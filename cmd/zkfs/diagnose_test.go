package main

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/zk/zktest"
)

// listen returns the address of something that accepts connections and treats them in its own way.
func listen(t *testing.T, treat func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			treat(c)
		}
	}()
	return l.Addr().String()
}

func TestDiagnose(t *testing.T) {
	server := zktest.NewServer()
	t.Cleanup(server.Close)
	serving := server.Addr()
	silent := listen(t, func(net.Conn) {})
	closing := listen(t, func(c net.Conn) {
		io.ReadFull(c, make([]byte, len("srvr")))
		c.Close()
	})
	electing := listen(t, func(c net.Conn) {
		io.ReadFull(c, make([]byte, len("srvr")))
		io.WriteString(c, "This ZooKeeper instance is not currently serving requests\n")
		c.Close()
	})

	tests := []struct {
		server, want string
	}{
		{serving, "serves, but took no session"},
		{silent, "takes connections, but does not answer (it hangs, or is a port for TLS)"},
		{closing, "closes the connection (not ZooKeeper, or a port for TLS)"},
		{electing, "runs, but has no quorum"},
		{"127.0.0.1:1", "refuses connections (nothing listens there)"},
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var servers []string
	var want string
	for i, tt := range tests {
		servers = append(servers, tt.server)
		if i > 0 {
			want += ", "
		}
		want += tt.server + " " + tt.want
	}
	if got := diagnose(ctx, new(flw.Client), servers); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestAilmentOfNames(t *testing.T) {
	if text := ailment(&net.DNSError{IsNotFound: true}); text != "is not a known host" {
		t.Errorf("%q", text)
	}
	if text := ailment(&net.DNSError{IsTimeout: true}); text != "could not be resolved" {
		t.Errorf("%q", text)
	}
}
