package zktest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// Plain reads and writes are the same on every server.
func TestEveryServerReadsAndWrites(t *testing.T) {
	for _, name := range zktest.Servers() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := zktest.NewServer(zktest.WithServer(name))
				defer server.Close()
				conn, _, err := zk.Connect([]string{"any"}, 10*time.Second, zk.WithDialer(server.Dialer()))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				roundTrip(t, conn)
			})
		})
	}
}
