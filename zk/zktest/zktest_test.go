package zktest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOverTCP(t *testing.T) {
	server := zktest.NewServer()
	defer server.Close()
	conn, _, err := zk.Connect([]string{server.Addr()}, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	roundTrip(t, conn)
}

func TestInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := zktest.NewServer()
		defer server.Close()
		conn, _, err := zk.Connect([]string{"zk:2181"}, 10*time.Second, zk.WithDialer(server.Dialer()))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		roundTrip(t, conn)
	})
}

func roundTrip(t *testing.T, conn *zk.Conn) {
	t.Helper()
	if _, err := conn.Create("/a", []byte("v"), 0, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	data, stat, err := conn.Get("/a")
	if err != nil || string(data) != "v" || stat.DataLength != 1 {
		t.Errorf("data %q, stat %+v, error %v", data, stat, err)
	}
}
