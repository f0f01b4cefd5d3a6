package zk_test

import (
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// The servers follow /zookeeper/config, also outside the chroot, and those of Connect are tried where
// none of them answers.
func TestWithDynamicServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ensemble := zktest.NewServer(zktest.WithSuper("super:secret"))
		defer ensemble.Close()
		dial := func(network, address string, limit time.Duration) (net.Conn, error) {
			if address == "gone:2181" {
				return refuse(network, address, limit)
			}
			return ensemble.Dialer()(network, address, limit)
		}
		super := zk.WithAuth("digest", []byte("super:secret"))
		admin, _ := connect(t, ensemble, super)
		c, events := connectTo(t, dial, zk.WithDynamicServers(), zk.WithChroot("/app"))
		await(t, events, zk.StateHasSession)
		id := c.SessionID()
		for _, step := range []struct{ config, server string }{
			{"server.1=zk:2888:3888;2181", "zk:2181"},
			{"server.1=new:2888:3888;2181\nserver.2=new:2888:3888;2182", "new:"},
			{"server.1=gone:2888:3888;2181", "zk:2181"},
			{"server.1=newer:2888:3888;2181", "newer:2181"},
		} {
			_, err := admin.Set("/zookeeper/config", []byte(step.config), -1)
			wantErr(t, err, nil)
			pass(timeout) // wherever the session moves to, it stays there
			if got := c.Server(); !strings.HasPrefix(got, step.server) || c.State() != zk.StateHasSession {
				t.Errorf("after %q: %v at %s, want %s", step.config, c.State(), got, step.server)
			}
		}
		if c.SessionID() != id {
			t.Error("the session has not come along")
		}
	})
}
