// Package store runs the tests which valkeyrie has for its stores, on its ZooKeeper store, a program written for
// github.com/go-zookeeper/zk that is a dependency here. ZOOKEEPER names the server.
package store

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/kvtools/valkeyrie"
	"github.com/kvtools/valkeyrie/store"
	"github.com/kvtools/valkeyrie/testsuite"
	"github.com/kvtools/zookeeper"
)

func open(t *testing.T, config *zookeeper.Config) store.Store {
	t.Helper()
	s, err := valkeyrie.NewStore(context.Background(), zookeeper.StoreName, []string{os.Getenv("ZOOKEEPER")}, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	s := open(t, &zookeeper.Config{ConnectionTimeout: 3 * time.Second})
	other := open(t, &zookeeper.Config{MaxBufferSize: 1 << 20, Username: "bob", Password: "secret"})
	testsuite.RunTestCommon(t, s)
	testsuite.RunTestAtomic(t, s)
	testsuite.RunTestWatch(t, s)
	testsuite.RunTestLock(t, s)
	testsuite.RunTestTTL(t, s, other)
	testsuite.RunCleanup(t, s)
}
