package zk

import (
	"context"
	"sync"

	"github.com/go-zookeeper/zk"
	"github.com/zkfs/zkfs/zk/cache"
)

// followed is the caches of a client, by their paths. They end with the connection.
type followed struct {
	mu     sync.Mutex
	caches map[string]*cache.Cache
}

// GetEntries implements Client. The channel gets an event when the entries are no longer these.
func (c *client) GetEntries(path string) ([]string, <-chan zk.Event, error) {
	services, err := c.follow(path)
	if err != nil {
		return nil, nil, err
	}
	loaded, changed := make(chan struct{}), make(chan zk.Event, 1)
	go func() {
		told := false
		for change := range services.Changes(context.Background()) {
			switch {
			case told:
				changed <- zk.Event{Type: zk.EventNodeChildrenChanged, Path: path}
				return
			case change.Kind == cache.Loaded:
				told = true
				close(loaded)
			}
		}
	}()
	select {
	case <-loaded:
	case <-services.Done():
		return nil, nil, services.Err()
	}
	var entries []string
	for e := range services.Walk(path) {
		if e.Path != path {
			entries = append(entries, string(e.Data))
		}
	}
	return entries, changed, nil
}

// follow returns the cache of the services at path. The first call fails where no server answers, or
// none shows the services.
func (c *client) follow(path string) (*cache.Cache, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if services := c.caches[path]; services != nil {
		return services, nil
	}
	if _, _, err := c.Children(path); err != nil {
		return nil, err
	}
	if c.caches == nil {
		c.caches = map[string]*cache.Cache{}
	}
	c.caches[path] = cache.OfChildren(context.Background(), c.Conn, path)
	return c.caches[path], nil
}
