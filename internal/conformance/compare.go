package conformance

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// Compare lets three clients of each of two servers do the same random operations, n of them, and compares every
// result, every Stat and every event. The servers must have no other clients: zxids are compared too.
func Compare(t *testing.T, a, b Target, seed uint64, n int) {
	t.Helper()
	one, other := newPlayer(t, a, seed), newPlayer(t, b, seed)
	var last []string
	for i := range n {
		x, y := one.step(), other.step()
		last = append(last[max(0, len(last)-9):], x)
		if x != y {
			t.Fatalf("seed %d, operation %d: the servers differ. The first, with what came before:\n%s\nThe other:\n%s",
				seed, i, strings.Join(last, "\n"), y)
		}
	}
}

// A player does the operations on one server.
type player struct {
	*env
	g     *rand.Rand
	conns [3]*zk.Conn
	zxids map[int64]int64 // by the order in which they were seen

	mu     sync.Mutex // guards the following
	events [3][]string
}

func newPlayer(t *testing.T, target Target, seed uint64) *player {
	t.Helper()
	p := &player{env: newEnv(t, target), g: rand.New(rand.NewPCG(seed, 0)), zxids: map[int64]int64{}}
	t.Cleanup(p.cleanUp)
	for i := range p.conns {
		p.conns[i] = p.connect()
		p.must(third(p.conns[i].Exists("/")))
		p.conns[i].OnEvent(func(ev zk.Event) {
			if ev.Type != zk.EventSession {
				p.mu.Lock()
				p.events[i] = append(p.events[i], fmt.Sprintf("%v %s", ev.Type, ev.Path))
				p.mu.Unlock()
			}
		})
	}
	p.must(p.conns[0].AddAuth("digest", []byte("u:p")))
	return p
}

// step does one operation and returns what came of it, events included.
func (p *player) step() string {
	who := p.g.IntN(len(p.conns))
	result := fmt.Sprintf("client %d: %s", who, p.operation(p.conns[who]))
	for i, c := range p.conns {
		p.must(second(c.Sync("/"))) // its reply comes behind every event
		p.mu.Lock()
		if len(p.events[i]) > 0 {
			result += fmt.Sprintf("; client %d sees %v", i, p.events[i])
		}
		p.events[i] = nil
		p.mu.Unlock()
	}
	return result
}

// The few paths make it likely that operations meet.
var comparePaths = []string{"/a", "/a/b", "/a/b/c", "/a/c", "/b", "/b/a", "/b/s-0000000000", "/a/s-0000000001"}

func (p *player) path() string       { return comparePaths[p.g.IntN(len(comparePaths))] }
func (p *player) version() int32     { return []int32{-1, -1, -1, 0, 1, 2}[p.g.IntN(6)] }
func (p *player) acl() []zk.ACL      { return compareACLs[p.g.IntN(len(compareACLs))] }
func (p *player) chance(of int) bool { return p.g.IntN(of) == 0 }

var compareACLs = [][]zk.ACL{
	open, open, open, open, open, open, zk.WorldACL(zk.PermRead), zk.AuthACL(zk.PermAll), zk.DigestACL(zk.PermAll, "u", "p"),
	append(zk.WorldACL(zk.PermAll&^zk.PermAdmin), zk.AuthACL(zk.PermAdmin)...),
}

func (p *player) data() []byte {
	if p.chance(4) {
		return nil
	}
	return []byte("some data")[:p.g.IntN(9)]
}

func (p *player) creation() *zk.CreateRequest {
	r := &zk.CreateRequest{Path: p.path(), Data: p.data(), Acl: p.acl(), Flags: []int32{0, 0, 0, zk.FlagEphemeral, zk.FlagSequence}[p.g.IntN(5)]}
	if r.Flags == zk.FlagSequence {
		r.Path = []string{"/a/s-", "/b/s-"}[p.g.IntN(2)]
	}
	return r
}

// change returns an operation of a multi.
func (p *player) change() any {
	switch p.g.IntN(6) {
	case 0, 1:
		return p.creation()
	case 2:
		return &zk.DeleteRequest{Path: p.path(), Version: p.version()}
	case 3:
		return &zk.CheckVersionRequest{Path: p.path(), Version: p.version()}
	}
	return &zk.SetDataRequest{Path: p.path(), Data: p.data(), Version: p.version()}
}

func (p *player) operation(c *zk.Conn) string {
	switch p.g.IntN(16) {
	case 0, 1, 2, 3:
		r := p.creation()
		path, stat, err := c.CreateStat(r.Path, r.Data, r.Flags, r.Acl)
		return fmt.Sprintf("create %+v: %s %s %v", r, path, p.show(stat), err)
	case 4, 5:
		path, version := p.path(), p.version()
		return fmt.Sprintf("delete %s %d: %v", path, version, c.Delete(path, version))
	case 6, 7:
		path, data, version := p.path(), p.data(), p.version()
		stat, err := c.Set(path, data, version)
		return fmt.Sprintf("set %s %q %d: %s %v", path, data, version, p.show(stat), err)
	case 8, 9:
		ops := make([]any, p.g.IntN(6))
		text := ""
		for i := range ops {
			ops[i] = p.change()
			text += fmt.Sprintf(" %T%+v", ops[i], ops[i])
		}
		responses, err := c.Multi(ops...)
		for _, r := range responses {
			text += fmt.Sprintf(" [%s %s %v]", r.String, p.show(r.Stat), r.Error)
		}
		return fmt.Sprintf("multi%s: %v", text, err)
	case 10:
		if p.chance(3) {
			path, acl, version := p.path(), p.acl(), p.version()
			stat, err := c.SetACL(path, acl, version)
			return fmt.Sprintf("setACL %s %v %d: %s %v", path, acl, version, p.show(stat), err)
		}
		return p.reading(c, p.path(), 5)
	}
	return p.reading(c, p.path(), p.g.IntN(6))
}

// reading reads, with and without watches.
func (p *player) reading(c *zk.Conn, path string, kind int) string {
	switch kind {
	case 0:
		data, stat, _, err := c.GetW(path)
		return fmt.Sprintf("get %s: %q %v %s %v", path, data, data == nil, p.show(stat), err)
	case 1:
		ok, stat, _, err := c.ExistsW(path)
		return fmt.Sprintf("exists %s: %v %s %v", path, ok, p.show(stat), err)
	case 2:
		names, stat, _, err := c.ChildrenW(path)
		slices.Sort(names)
		return fmt.Sprintf("children %s: %q %s %v", path, names, p.show(stat), err)
	case 3:
		w, err := c.AddWatch(path, zk.AddWatchMode(p.g.IntN(2)))
		if err == nil && p.chance(2) {
			err = w.Stop()
		}
		return fmt.Sprintf("watch %s: %v", path, err)
	case 4:
		list, err := c.Ephemerals(path)
		slices.Sort(list)
		n, err2 := c.AllChildrenNumber(path)
		return fmt.Sprintf("ephemerals %s: %v %v, descendants %d %v", path, list, err, n, err2)
	}
	acl, stat, err := c.GetACL(path)
	return fmt.Sprintf("getACL %s: %v %s %v", path, acl, p.show(stat), err)
}

// show returns a Stat as text, without what depends on the time. Zxids are numbered in the order in
// which they are seen: the sessions in which a client asks what a server has take some, at any moment.
func (p *player) show(stat *zk.Stat) string {
	if stat == nil || *stat == (zk.Stat{}) {
		return "-"
	}
	s := *stat
	s.Ctime, s.Mtime = 0, 0
	for _, zxid := range []*int64{&s.Czxid, &s.Mzxid, &s.Pzxid} {
		if p.zxids[*zxid] == 0 {
			p.zxids[*zxid] = int64(len(p.zxids) + 1)
		}
		*zxid = p.zxids[*zxid]
	}
	for i, c := range p.conns {
		if s.EphemeralOwner == c.SessionID() {
			s.EphemeralOwner = int64(i + 1)
		}
	}
	return fmt.Sprintf("%+v", s)
}
