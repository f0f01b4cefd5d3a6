package zk

import (
	"errors"
	"math/rand/v2"
	"slices"
)

// SetServers replaces the servers that the client chooses from. The session moves to another one if
// the connected one is not among them. If they are more than before it may move to one that was
// added: so many of all clients that are told do so that each server has about as many of them as any
// other, and no more move than that takes (ZOOKEEPER-1355). It fails where [WithHostProvider] has put
// the choice into other hands, and with an empty list.
func (c *Conn) SetServers(servers []string) error {
	return c.setServers(FormatServers(servers), nil)
}

// setServers is SetServers with servers to try where none of the others is there.
func (c *client) setServers(servers, spare []string) error {
	list, ok := c.hosts.(*serverList)
	if !ok {
		return errors.New("zk: the servers are chosen by the host provider of WithHostProvider")
	}
	if len(servers) == 0 {
		return errNoServers
	}
	t := c.current.Load()
	if list.replace(servers, spare, c.serverName()) && t != nil {
		t.end(errMoved)
	}
	return nil
}

var errMoved = errors.New("zk: the servers have changed, and the session moves to another one")

// replace takes other servers. It reports whether a client that is connected to current is to leave
// it, for one of those that Next returns from now on. If all clients do so, and each server of the
// old list had as many of them as any other, that is so for the new list too
// (StaticHostProvider.java).
func (l *serverList) replace(servers, spare []string, current string) (leave bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	isOld := func(server string) bool { return slices.Contains(l.servers, server) }
	var kept, added []string
	for _, i := range rand.Perm(len(servers)) {
		if isOld(servers[i]) {
			kept = append(kept, servers[i])
		} else {
			added = append(added, servers[i])
		}
	}
	before, after := float64(len(l.servers)), float64(len(servers))
	switch listed := slices.Contains(servers, current); {
	case listed && rand.Float64() < before/after:
		kept, added = nil, slices.Concat(kept, added)
		rand.Shuffle(len(added), func(i, j int) { added[i], added[j] = added[j], added[i] })
	case listed || after >= before:
		leave = true
	default:
		leave = true
		gone := before - float64(len(kept))
		if rand.Float64() < float64(len(kept))*(before-after)/(after*gone) {
			kept, added = added, kept
		}
	}
	l.servers, l.spare = slices.Concat(added, kept), spare
	l.next, l.tried = 0, 0
	return leave
}
