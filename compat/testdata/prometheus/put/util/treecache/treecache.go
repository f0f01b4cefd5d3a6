// Package treecache is that of Prometheus on [cache.Cache], with all that its service discovery uses.
package treecache

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/go-zookeeper/zk"
	"github.com/zkfs/zkfs/zk/cache"
)

// ZookeeperLogger is a zk.Logger that writes to a slog.Logger.
type ZookeeperLogger struct{ logger *slog.Logger }

func NewZookeeperLogger(logger *slog.Logger) ZookeeperLogger { return ZookeeperLogger{logger} }

func (l ZookeeperLogger) Printf(s string, args ...any) { l.logger.Info(fmt.Sprintf(s, args...)) }

// ZookeeperTreeCacheEvent is news of one znode: Data is nil when it is gone.
type ZookeeperTreeCacheEvent struct {
	Path string
	Data *[]byte
}

// ZookeeperTreeCache tells of the znodes at and below a path.
type ZookeeperTreeCache struct{ tree *cache.Cache }

// NewZookeeperTreeCache sends every znode of the tree to events, and then each change, until Stop.
// It closes events at the end.
func NewZookeeperTreeCache(
	conn *zk.Conn, path string, events chan ZookeeperTreeCacheEvent, logger *slog.Logger,
) *ZookeeperTreeCache {
	tc := &ZookeeperTreeCache{tree: cache.OfTree(context.Background(), conn, path)}
	go func() {
		defer close(events)
		tc.follow(events)
		logger.Info("ZooKeeper tree cache ended", "path", path, "err", tc.tree.Err())
	}()
	return tc
}

// Stop ends the cache.
func (tc *ZookeeperTreeCache) Stop() { tc.tree.Close() }

func (tc *ZookeeperTreeCache) follow(events chan<- ZookeeperTreeCacheEvent) {
	for change := range tc.tree.Changes(context.Background()) {
		event := ZookeeperTreeCacheEvent{Path: change.Path}
		switch change.Kind {
		case cache.Loaded:
			continue
		case cache.Created, cache.Changed:
			event.Data = &change.Data
		}
		select {
		case events <- event:
		case <-tc.tree.Done():
			return
		}
	}
}
