package zk

import (
	"strings"
	"testing"
)

// Next says once a round that it begins another one.
func TestRetryStartIsOnceARound(t *testing.T) {
	dns := NewDNSHostProvider()
	dns.lookup = names{}.lookup
	for name, p := range map[string]HostProvider{"list": new(serverList), "DNS": dns} {
		if err := p.Init([]string{"a:1", "b:1", "c:1"}); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		next := func(n int) {
			for range n {
				_, retryStart := p.Next()
				got.WriteByte("-R"[map[bool]int{true: 1}[retryStart]])
			}
			got.WriteByte(' ')
		}
		next(8)
		p.Connected()
		next(8)
		if want := "---R--R- ---R--R- "; got.String() != want {
			t.Errorf("%s: %s, want %s", name, &got, want)
		}
	}
}
