package zk

import (
	"context"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"
)

// DNSHostProvider is a [HostProvider] that hands out addresses instead of names, each of a name's addresses as a server of its own. A name is
// looked up again whenever its turn comes. One that cannot be resolved is handed out as it is, so that
// the dial fails and says why, and the next name follows.
//
// Without it the names themselves are dialed: then too every dial looks them up. It is for dialers that know addresses only, and
// for ensembles behind one name. [WithTLS] needs the server's name in its configuration, because none comes
// with an address. [Conn.Close] waits until a lookup has ended.
//
// A name that begins with an underscore, as "_zookeeper._tcp.example.com", is that of SRV records
// (RFC 2782): the names and ports in them are handed out, in the order of their priorities and
// weights. A port beside such a name means nothing.
type DNSHostProvider struct {
	lookup        func(ctx context.Context, host string) ([]string, error)
	lookupSRV     func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	lookupTimeout time.Duration

	names []string
	sizes []int    // how many addresses each of names had when it was looked up last, 1 before
	turn  int      // index of the name to be looked up next
	addrs []string // of the name before it, to be handed out
	tried int      // since Connected, or since the round began
}

// DNSHostProviderOption is an option of [NewDNSHostProvider].
type DNSHostProviderOption interface{ apply(*DNSHostProvider) }

type lookupTimeout time.Duration

func (d lookupTimeout) apply(p *DNSHostProvider) { p.lookupTimeout = time.Duration(d) }

// WithLookupTimeout bounds each lookup of a name. The default is 3 seconds.
func WithLookupTimeout(timeout time.Duration) DNSHostProviderOption { return lookupTimeout(timeout) }

// NewDNSHostProvider returns a provider for [WithHostProvider]. Each client needs one of its own.
func NewDNSHostProvider(options ...DNSHostProviderOption) *DNSHostProvider {
	p := &DNSHostProvider{
		lookup:        net.DefaultResolver.LookupHost,
		lookupSRV:     net.DefaultResolver.LookupSRV,
		lookupTimeout: 3 * time.Second,
	}
	for _, option := range options {
		option.apply(p)
	}
	return p
}

// Init takes servers, which it does not look up yet, in an order of its own.
func (p *DNSHostProvider) Init(servers []string) error {
	if len(servers) == 0 {
		return errNoServers
	}
	p.names = FormatServers(servers)
	rand.Shuffle(len(p.names), func(i, j int) { p.names[i], p.names[j] = p.names[j], p.names[i] })
	p.sizes = make([]int, len(p.names))
	for i := range p.sizes {
		p.sizes[i] = 1
	}
	p.turn, p.addrs, p.tried = 0, nil, 0
	return nil
}

// Len returns how many addresses the names have, as far as they were looked up.
func (p *DNSHostProvider) Len() int {
	sum := 0
	for _, size := range p.sizes {
		sum += size
	}
	return sum
}

// Next returns the next address. Where all those of one name have had their turn it looks up the next name.
func (p *DNSHostProvider) Next() (server string, retryStart bool) {
	if len(p.addrs) == 0 {
		p.addrs = p.resolve(p.names[p.turn])
		p.sizes[p.turn] = len(p.addrs)
		p.turn = (p.turn + 1) % len(p.names)
	}
	server, p.addrs = p.addrs[0], p.addrs[1:]
	if p.tried++; p.tried > p.Len() {
		p.tried, retryStart = 1, true
	}
	return server, retryStart
}

// Connected starts the count of tries again.
func (p *DNSHostProvider) Connected() { p.tried = 0 }

// resolve returns the addresses of a server, in any order, or what its SRV records name; else the
// server itself.
func (p *DNSHostProvider) resolve(server string) []string {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return []string{server}
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.lookupTimeout)
	defer cancel()
	if strings.HasPrefix(host, "_") {
		return p.resolveSRV(ctx, server, host)
	}
	addrs, err := p.lookup(ctx, host)
	if err != nil || len(addrs) == 0 {
		return []string{server}
	}
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	for i, addr := range addrs {
		addrs[i] = net.JoinHostPort(addr, port)
	}
	return addrs
}

// resolveSRV returns what the SRV records of a name name. A target of "." says that there is no such
// service.
func (p *DNSHostProvider) resolveSRV(ctx context.Context, server, name string) []string {
	_, records, _ := p.lookupSRV(ctx, "", "", name) // next to an error come those that are valid
	var servers []string
	for _, r := range records {
		if host := strings.TrimSuffix(r.Target, "."); host != "" {
			servers = append(servers, net.JoinHostPort(host, strconv.Itoa(int(r.Port))))
		}
	}
	if servers == nil {
		return []string{server}
	}
	return servers
}
