package integration

import (
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// firstUses are calls by the operation that they need, and its number in the protocol. A server that
// is no member of an ensemble has no reconfig.
var firstUses = []struct {
	feature zk.Feature
	op      uint32
	call    func(c *zk.Conn) error
}{
	{zk.FeatureCreate2, 15, func(c *zk.Conn) error {
		_, _, err := c.CreateStat("/n", nil, zk.FlagSequence, zk.WorldACL(zk.PermAll))
		return err
	}},
	{zk.FeatureCreateContainer, 19, func(c *zk.Conn) error {
		_, err := c.CreateContainer("/c", nil, zk.FlagContainer, zk.WorldACL(zk.PermAll))
		return err
	}},
	{zk.FeatureCreateTTL, 21, func(c *zk.Conn) error {
		_, err := c.CreateTTL("/t", nil, zk.FlagTTL, zk.WorldACL(zk.PermAll), time.Hour)
		return err
	}},
	{zk.FeatureMultiRead, 22, func(c *zk.Conn) error {
		_, err := c.MultiRead(&zk.GetDataRequest{Path: "/"})
		return err
	}},
	{zk.FeatureAddWatch, 106, func(c *zk.Conn) error {
		_, err := c.AddWatch("/", zk.AddWatchPersistent)
		return err
	}},
	{zk.FeatureRemoveWatches, 18, func(c *zk.Conn) error {
		if _, _, _, err := c.GetW("/"); err != nil {
			return err
		}
		return c.RemoveWatches("/", zk.WatcherAny)
	}},
	{zk.FeatureCheckWatches, 17, func(c *zk.Conn) error { return c.CheckWatches("/", zk.WatcherAny) }},
	{zk.FeatureWhoAmI, 107, func(c *zk.Conn) error { _, err := c.WhoAmI(); return err }},
	{zk.FeatureGetEphemerals, 103, func(c *zk.Conn) error { _, err := c.Ephemerals("/"); return err }},
	{zk.FeatureGetAllChildrenNumber, 104, func(c *zk.Conn) error {
		_, err := c.AllChildrenNumber("/")
		return err
	}},
}

// A server that is killed at the moment of the first use of an operation has it all the same, and the
// session lives on.
func TestServerKilledAtTheFirstUse(t *testing.T) {
	t.Parallel()
	ts := cluster(t, 1, nil)
	server := addr(ts.Servers[0])
	for _, use := range firstUses {
		t.Run(use.feature.String(), func(t *testing.T) {
			k := &killer{op: use.op, kill: func() {
				if err := errors.Join(ts.Servers[0].Srv.Stop(), ts.Servers[0].Srv.Start()); err != nil {
					t.Error(err)
				}
			}}
			c, _, err := zk.Connect([]string{server}, time.Minute,
				zk.WithLogger(testLog{t}), zk.WithDialer(k.dial))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, _, err := c.Exists("/"); err != nil {
				t.Fatal(err)
			}
			session := c.SessionID()
			deadline := time.Now().Add(hang)
			for c.Features()[use.feature] == zk.SupportUnknown && time.Now().Before(deadline) {
				err = use.call(c) // which fails while no server runs
			}
			if s := c.Features()[use.feature]; s != zk.Supported || !k.done() {
				t.Errorf("it is %v, the server was killed: %v, %v", s, k.done(), err)
			}
			if c.SessionID() != session {
				t.Errorf("session 0x%x became 0x%x", session, c.SessionID())
			}
		})
	}
}

// killer kills a server when the first request of an operation is sent to it.
type killer struct {
	op   uint32
	kill func()
	once sync.Once

	mu     sync.Mutex // guards killed
	killed bool
}

func (k *killer) dial(network, address string, timeout time.Duration) (net.Conn, error) {
	c, err := net.DialTimeout(network, address, timeout)
	if err != nil {
		return nil, err
	}
	return &killerConn{c, k}, nil
}

func (k *killer) done() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.killed
}

type killerConn struct {
	net.Conn
	k *killer
}

// Write is given whole frames: a length, the number of the request and that of its operation.
func (c *killerConn) Write(b []byte) (int, error) {
	if len(b) >= 12 && binary.BigEndian.Uint32(b[8:]) == c.k.op {
		c.k.once.Do(func() {
			c.k.kill()
			c.k.mu.Lock()
			c.k.killed = true
			c.k.mu.Unlock()
		})
	}
	return c.Conn.Write(b)
}
