package flw

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A report names every server: one that answers, one that refuses words, one without a quorum, one that does
// not exist and one that hangs; the last bounds the time.
func TestReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		answers := server(func(address, word string, conn net.Conn) {
			switch {
			case address == "hangs:2181":
				<-hang
			case word == "ruok" && address != "refuses:2181":
				io.WriteString(conn, "imok")
			case address == "noquorum:2181":
				io.WriteString(conn, notServing+"\n")
			case word == "srvr":
				io.WriteString(conn, "Mode: leader\n")
			case address == "refuses:2181":
				io.WriteString(conn, word+notListed+"\n")
			case word == "mntr":
				io.WriteString(conn, "zk_a\t1\n")
			case word == "cons":
				io.WriteString(conn, " /10.0.0.1:1[0](queued=0)\n\n")
			}
		})
		client := &Client{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "absent:2181" {
				return nil, errors.New("no such host")
			}
			return answers.Dial(ctx, network, address)
		}}

		var b strings.Builder
		start := time.Now()
		servers := []string{"answers:2181", "refuses:2181", "noquorum:2181", "absent:2181", "hangs:2181"}
		if err := client.Report(t.Context(), &b, servers); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != DefaultTimeout {
			t.Errorf("took %v", took)
		}
		if b.String() != wantReport {
			t.Errorf("got\n%s", b.String())
		}
	})
}

const wantReport = `==> answers:2181 ruok <==
imok

==> answers:2181 srvr <==
Mode: leader

==> answers:2181 mntr <==
zk_a	1

==> answers:2181 cons <==
 /10.0.0.1:1[0](queued=0)

==> refuses:2181 ruok <==
ruok is not executed because it is not in the whitelist.

==> refuses:2181 srvr <==
Mode: leader

==> refuses:2181 mntr <==
mntr is not executed because it is not in the whitelist.

==> refuses:2181 cons <==
cons is not executed because it is not in the whitelist.

==> noquorum:2181 ruok <==
imok

==> noquorum:2181 srvr <==
This ZooKeeper instance is not currently serving requests

==> noquorum:2181 mntr <==
This ZooKeeper instance is not currently serving requests

==> noquorum:2181 cons <==
This ZooKeeper instance is not currently serving requests

==> absent:2181 <==
error: no such host

==> hangs:2181 <==
error: flw: gave up waiting for the end of the reply: context deadline exceeded
`

// What arrived of a reply that broke off stands above its error.
func TestReportShowsPartOfAReply(t *testing.T) {
	client := &Client{Dial: func(context.Context, string, string) (net.Conn, error) {
		return &brokenConn{text: strings.NewReader("im"), err: errors.New("connection reset")}, nil
	}}
	var b strings.Builder
	if err := client.Report(t.Context(), &b, []string{"zk1:2181"}); err != nil {
		t.Fatal(err)
	}
	want := "==> zk1:2181 ruok <==\nim\nerror: flw: the reply broke off: connection reset\n"
	if !strings.HasPrefix(b.String(), want) {
		t.Errorf("got %q", b.String())
	}
}

// Servers that never end cost time until the context ends, and no more memory than they may.
func TestReportOfEndlessReplies(t *testing.T) {
	client := &Client{Dial: func(context.Context, string, string) (net.Conn, error) {
		return &brokenConn{text: endless{}}, nil
	}}
	servers := []string{"zk1:2181", "zk2:2181", "zk3:2181"}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var b strings.Builder
	if err := client.Report(t.Context(), &b, servers); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	sections := len(servers) * len(reportWords)
	if n := strings.Count(b.String(), "\nerror: flw: the reply is too long"); n != sections || b.Len() > sections*(maxSection+200) {
		t.Errorf("%d bytes, %d errors", b.Len(), n)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > uint64(16*sections*maxSection) {
		t.Errorf("%d bytes allocated", got)
	}
}

func TestReportReturnsTheWritersError(t *testing.T) {
	closed := errors.New("closed")
	if err := saying("imok").Report(t.Context(), failingWriter{closed}, []string{"zk1:2181"}); err != closed {
		t.Errorf("got %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
