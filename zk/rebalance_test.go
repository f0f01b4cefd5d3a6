package zk

import (
	"errors"
	"fmt"
	"math"
	"testing"
)

// member is a client of an ensemble: its list, and the server that it is connected to.
type member struct {
	list    serverList
	current string
}

// Clients that are told of other servers have the same number at each of them, and no more of them
// move than that takes.
func TestRebalance(t *testing.T) {
	const clients = 20000
	for _, lists := range [][]string{
		{"abc", "abcde"}, // two join
		{"abcde", "abc"}, // two leave
		{"abc", "abd"},   // one is replaced
		{"abc", "def"},   // all are
		{"abc", "adefg"}, // four join, two leave
		{"abcde", "abf"}, // three leave, one joins
		{"abc", "abc"},   // nothing changes
		{"a", "ab", "ac", "abcd", "d"},
	} {
		t.Run(fmt.Sprint(lists), func(t *testing.T) {
			members := make([]member, clients)
			for i := range members {
				m := &members[i]
				if err := m.list.Init(servers(lists[0])); err != nil {
					t.Fatal(err)
				}
				m.current, _ = m.list.Next()
			}
			for i, list := range lists[1:] {
				moved, at := 0, map[string]int{}
				for i := range members {
					m := &members[i]
					if m.list.replace(servers(list), nil, m.current) {
						m.current, _ = m.list.Next()
						moved++
					}
					at[m.current]++
				}
				share := float64(clients) / float64(len(list))
				for _, server := range servers(list) {
					wantAbout(t, "clients of "+server, float64(at[server]), share, clients)
				}
				wantAbout(t, "moves", float64(moved), float64(clients)*(1-stay(lists[i], list)), clients)
			}
		})
	}
}

// stay returns the part of the clients that need not move.
func stay(old, list string) (sum float64) {
	for _, server := range list {
		for _, was := range old {
			if server == was {
				sum += math.Min(1/float64(len(old)), 1/float64(len(list)))
			}
		}
	}
	return sum
}

// wantAbout allows for six standard deviations of n draws.
func wantAbout(t *testing.T, what string, got, want, n float64) {
	t.Helper()
	if bound := 6 * math.Sqrt(n/4); math.Abs(got-want) > bound {
		t.Errorf("%s: %v, want %.0f", what, got, want)
	}
}

func servers(names string) (list []string) {
	for _, name := range names {
		list = append(list, string(name)+":1")
	}
	return list
}

// Where none of the servers is there, the spare ones are tried in the next round, and so on by turns.
func TestSpareServers(t *testing.T) {
	var l serverList
	if err := l.Init([]string{"a:1"}); err != nil {
		t.Fatal(err)
	}
	l.replace([]string{"b:1"}, []string{"a:1"}, "a:1")
	got := ""
	for range 4 {
		server, retry := l.Next()
		got += fmt.Sprint(server, " ", retry, ", ")
	}
	if want := "b:1 false, a:1 true, b:1 true, a:1 true, "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSetServersToNone(t *testing.T) {
	c := &Conn{client: &client{hosts: new(serverList)}}
	if err := c.SetServers(nil); !errors.Is(err, errNoServers) {
		t.Error(err)
	}
}
