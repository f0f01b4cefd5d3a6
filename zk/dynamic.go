package zk

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// configNode holds the configuration of the ensemble, from 3.5 on. No chroot is before it.
const configNode = "/zookeeper/config"

// WithDynamicServers lets the servers that the client chooses from follow the ensemble's dynamic
// configuration ("reconfig", from 3.5 on), as [Conn.SetServers] does when a program calls it: what
// joins gets its share of the sessions, and what leaves is left. The client watches
// /zookeeper/config, which a session of any credentials may read unless its ACL was changed.
//
// The addresses there must be those at which clients reach the servers, and with [WithTLS] the ports
// must take TLS. If none of them answers, those of [Connect] are tried in the next round, and so on
// by turns. Where no address is to be had (a static configuration without client ports, an older
// server, ClickHouse Keeper) those of Connect stay. It has no effect next to [WithHostProvider].
func WithDynamicServers() Option { return func(c *Conn) { c.dynamic = true } }

// followConfig sets the servers to those of the configuration, whenever that changes. It ends with
// the client. given are the servers of Connect.
func (c *client) followConfig(given []string) {
	conn := &Conn{c, "", c.life}
	for conn.WaitConnected() == nil {
		config, _, changed, err := conn.GetW(configNode)
		if err == nil {
			c.adopt(string(config), given)
		} else {
			_, _, changed, err = conn.ExistsW(configNode)
		}
		var retry <-chan time.Time
		if err != nil {
			retry = time.After(configRetry)
		}
		select {
		case <-changed:
		case <-retry:
		case <-c.closing:
		}
	}
}

// configRetry is how long after a failure the configuration is asked for again.
const configRetry = time.Second

// adopt sets the servers to those of a configuration that names any.
func (c *client) adopt(config string, given []string) {
	servers := clientAddresses(config)
	if len(servers) == 0 {
		return
	}
	if err := c.setServers(servers, given); err != nil {
		c.log.errorf("zk: %s: %v", configNode, err)
	}
}

// clientAddresses returns the addresses for clients in a dynamic configuration, with lines as
// "server.1=zk1:2888:3888:participant;0.0.0.0:2181" (QuorumPeer.QuorumServer). A wildcard stands for
// the host that the other servers use. What is no address is left out.
func clientAddresses(config string) (servers []string) {
	for line := range strings.Lines(config) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		peer, client, ok := strings.Cut(value, ";")
		if !strings.HasPrefix(name, "server.") || !ok {
			continue
		}
		host, port, err := net.SplitHostPort(client)
		if err != nil {
			host, port = "", client
		}
		if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
			host = peerHost(peer)
		}
		server := net.JoinHostPort(host, port)
		if _, err := validHost(server); err == nil && !slices.Contains(servers, server) {
			servers = append(servers, server)
		}
	}
	return servers
}

// peerHost returns the host of "host:port:port:role", the first one where there are several.
func peerHost(peer string) string {
	if rest, ok := strings.CutPrefix(peer, "["); ok {
		host, _, _ := strings.Cut(rest, "]")
		return host
	}
	host, _, _ := strings.Cut(peer, ":")
	return host
}
