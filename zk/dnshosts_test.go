package zk

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"
)

// names is a DNS of its own.
type names map[string][]string

func (n names) lookup(_ context.Context, host string) ([]string, error) {
	if addrs := n[host]; addrs != nil {
		return slices.Clone(addrs), nil
	}
	return nil, errors.New("no such host")
}

// round takes n servers from p, in the order of the alphabet, and tells at which of them the second round begins.
func round(p *DNSHostProvider, n int) (servers []string, retry int) {
	retry = -1
	for i := range n {
		server, retryStart := p.Next()
		if retryStart && retry < 0 {
			retry = i
		}
		servers = append(servers, server)
	}
	slices.Sort(servers)
	return servers, retry
}

func TestDNSHostProvider(t *testing.T) {
	dns := names{"a": {"10.0.0.1", "10.0.0.2"}, "b": {"fd00::1"}}
	p := NewDNSHostProvider()
	p.lookup = dns.lookup
	servers := []string{"a:2182", "gone", "b"}
	if err := p.Init(servers); err != nil {
		t.Fatal(err)
	}
	if p.Len() != 3 {
		t.Errorf("%d servers before the first lookup", p.Len())
	}
	all := []string{"10.0.0.1:2182", "10.0.0.2:2182", "[fd00::1]:2181", "gone:2181"}
	if got, retry := round(p, 4); !slices.Equal(got, all) || retry >= 0 {
		t.Errorf("first round: %q, retry at %d", got, retry)
	}
	if p.Len() != 4 {
		t.Errorf("%d servers after a round", p.Len())
	}
	if got, retry := round(p, 4); !slices.Equal(got, all) || retry != 0 {
		t.Errorf("second round: %q, retry at %d", got, retry)
	}
	p.Connected()
	dns["a"], dns["gone"] = []string{"10.0.0.3"}, []string{"10.0.0.4"}
	want := []string{"10.0.0.3:2182", "10.0.0.4:2181", "[fd00::1]:2181"}
	if got, retry := round(p, 3); !slices.Equal(got, want) || retry >= 0 {
		t.Errorf("after the names have moved: %q, retry at %d", got, retry)
	}
	if want := []string{"a:2182", "gone", "b"}; !slices.Equal(servers, want) {
		t.Errorf("Init has changed its argument to %q", servers)
	}
	if err := p.Init(nil); err == nil {
		t.Error("an empty list is taken")
	}
}

func TestDNSHostProviderSRV(t *testing.T) {
	records := map[string][]*net.SRV{
		"_zk._tcp.a": {{Target: "one.a.", Port: 2181}, {Target: "two.a.", Port: 2182}},
		"_no._tcp.a": {{Target: "."}},
	}
	var asked []string
	p := NewDNSHostProvider()
	p.lookup = names{"one.a": {"10.0.0.1"}}.lookup // which nothing asks: a dial does
	p.lookupSRV = func(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
		asked = append(asked, service+proto+name)
		return "", records[name], errors.New("one record is invalid")
	}
	for name, want := range map[string][]string{
		"_zk._tcp.a":      {"one.a:2181", "two.a:2182"},
		"_no._tcp.a":      {"_no._tcp.a:2181"},
		"_missing._tcp.a": {"_missing._tcp.a:2181"},
	} {
		if err := p.Init([]string{name}); err != nil {
			t.Fatal(err)
		}
		asked = nil
		var got []string
		for range want {
			server, _ := p.Next()
			got = append(got, server)
		}
		if !slices.Equal(got, want) || !slices.Equal(asked, []string{name}) {
			t.Errorf("%s: %q after a lookup of %q, want %q", name, got, asked, want)
		}
	}
}

func TestWithLookupTimeout(t *testing.T) {
	p := NewDNSHostProvider(WithLookupTimeout(time.Nanosecond))
	p.lookup = func(ctx context.Context, _ string) ([]string, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if err := p.Init([]string{"a"}); err != nil {
		t.Fatal(err)
	}
	if got, _ := p.Next(); got != "a:2181" {
		t.Errorf("a name that cannot be looked up in time: %q", got)
	}
}
