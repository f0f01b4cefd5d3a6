package zk_test

import (
	"testing"
	"testing/synctest"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A callback hears of each change of the state, also if no program reads the channel of Connect.
func TestCallbackBesideAnUnreadChannel(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		const connections = 30 // more than the channel has room for
		var connected int
		c, _ := connect(t, server, zk.WithEventCallback(func(e zk.Event) {
			if e.State == zk.StateHasSession {
				connected++
			}
		}))
		for range connections {
			if _, err := c.Sync("/"); err != nil {
				t.Fatal(err)
			}
			server.Disconnect()
			synctest.Wait()
		}
		synctest.Wait()
		if connected < connections {
			t.Errorf("the callback heard of %d of %d", connected, connections)
		}
	})
}
