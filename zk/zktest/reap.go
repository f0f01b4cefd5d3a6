package zktest

import (
	"time"
)

// reap deletes containers and TTL nodes whose time has come, until the server is closed (ContainerManager).
func (s *Server) reap() {
	tick := time.NewTicker(s.containerCheck)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.reapOnce()
		case <-s.done:
			return
		}
	}
}

func (s *Server) reapOnce() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.readOnly {
		return
	}
	now := time.Now().UnixMilli()
	for path := range s.tree.mortals {
		if n := s.tree.nodes[path]; n.expired(now) {
			parent, _ := split(path)
			x := s.tree.begin(now, 0, nil)
			x.remove(path, n, s.tree.nodes[parent])
			s.publish(x)
		}
	}
}

// expired reports whether a container or TTL node is to go: it has no children, and a container has had some,
// a TTL node was not written to for longer than its time.
func (n *node) expired(now int64) bool {
	if len(n.children) > 0 {
		return false
	}
	return n.container && n.creates > 0 || n.ttl != 0 && now-n.mtime > n.ttl
}
