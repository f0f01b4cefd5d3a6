package zk_test

import (
	"testing"
	"testing/synctest"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// ChildStats waits for no probe: the call that lets the server be asked returns at once. A
// ZooKeeper is not asked.
func TestChildStatsDoesNotWait(t *testing.T) {
	onEveryServer(t, func(t *testing.T, name string, server *zktest.Server) {
		c, _ := connect(t, server)
		check := steady(t, c, server)
		seen := count(server)
		_, _, err := c.ChildStats("/")
		wantErr(t, err, zk.ErrUnimplemented)
		check() // and the server has been asked meanwhile
		synctest.Wait()
		sent := seen.ops["filteredListWithData"]
		switch c.Features()[zk.FeatureChildStats] {
		case zk.Supported:
			children, stat, err := c.ChildStats("/")
			if err != nil || int(stat.NumChildren) != len(children) || children[0].Stat == nil {
				t.Errorf("%v, %v, %v", children, stat, err)
			}
		case zk.Lacking:
			_, _, err := c.ChildStats("/")
			wantErr(t, err, zk.ErrUnimplemented)
			if now := seen.ops["filteredListWithData"]; now != sent {
				t.Errorf("%d requests after %d", now, sent)
			}
		default:
			if name[0] != '3' || sent != 0 || seen.ops["closeSession"] != 0 {
				t.Errorf("nothing is known of it, requests %v", seen.ops)
			}
		}
	})
}
