package ensemble

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// An ACL is not sent again after its reply was lost, also where the server has dropped entries of
// it.
func TestLostReplyToAnACL(t *testing.T) {
	ann := zk.DigestACL(zk.PermAll, "ann", "secret")
	for _, test := range []struct {
		name, server string
		acl          []zk.ACL
		want         error
	}{
		{"kept", "3.8", append(zk.WorldACL(zk.PermRead), ann...), nil},
		{"kept", "clickhouse-25.8", ann, nil},
		{"without world", "clickhouse-25.8", append(zk.WorldACL(zk.PermRead), ann...), ErrUnresolved},
		{"without ip", "raftkeeper",
			append([]zk.ACL{{Perms: zk.PermRead, Scheme: "ip", ID: "127.0.0.1"}}, ann...), ErrUnresolved},
	} {
		t.Run(test.server+" "+test.name, func(t *testing.T) {
			s := newServers(t, 40*time.Second, Options{}, zktest.WithServer(test.server))
			s.create("/f", "data")
			if err := s.e.conn.AddAuth("digest", []byte("ann:secret")); err != nil {
				t.Fatal(err)
			}
			var sent atomic.Int32
			s.server.OnRequest(func(r zktest.Request) zktest.Fault {
				return zktest.Fault{Lose: r.Op == "setACL" && sent.Add(1) == 1}
			})
			if err := s.e.SetACL(t.Context(), "/f", test.acl); !errors.Is(err, test.want) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if n := sent.Load(); n != 1 {
				t.Errorf("it was sent %d times", n)
			}
		})
	}
}
