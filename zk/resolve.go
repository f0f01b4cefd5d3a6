package zk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// resolveWait bounds how long Connect waits for DNS.
const resolveWait = time.Second

// checkServers returns an error if none of servers can be one: none has a valid host and port, or
// no name of them exists. A name that cannot be looked up now may be one. lookup is called from
// goroutines of its own, which end with its context.
func checkServers(servers []string, lookup func(ctx context.Context, host string) ([]string, error)) error {
	var hosts []string
	var invalid error
	for _, server := range servers {
		host, err := validHost(server)
		if err != nil {
			invalid = err
			continue
		}
		if _, err := netip.ParseAddr(host); err == nil {
			return nil
		}
		hosts = append(hosts, host)
	}
	if len(hosts) == 0 {
		return fmt.Errorf("zk: no server can be dialed: %w", invalid)
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveWait)
	defer cancel()
	results := make(chan error, len(hosts))
	for _, host := range hosts {
		go func() { // ends with ctx
			_, err := lookup(ctx, host)
			results <- err
		}()
	}
	var unknown error
	for range hosts {
		select {
		case unknown = <-results:
		case <-ctx.Done():
			return nil
		}
		var dns *net.DNSError
		if !errors.As(unknown, &dns) || !dns.IsNotFound {
			return nil
		}
	}
	return fmt.Errorf("zk: no server is known by its name: %w", unknown)
}

// validHost returns the host of a server that has a host and a port.
func validHost(server string) (string, error) {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return "", err
	}
	if host == "" {
		return "", &net.AddrError{Err: "missing host", Addr: server}
	}
	if _, err := net.LookupPort("tcp", port); err != nil || port == "" {
		return "", &net.AddrError{Err: "invalid port", Addr: server}
	}
	return host, nil
}
