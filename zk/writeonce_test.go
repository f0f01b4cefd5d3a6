package zk_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// writes are the calls that change something. Each is made on a znode of its own, which has one
// child, and done tells from its Stat how often the call was applied.
var writes = []struct {
	name string
	call func(c *zk.Conn, path string) error
	done func(st *zk.Stat) int
}{
	{"create", func(c *zk.Conn, path string) error {
		_, err := c.Create(path+"/n", nil, zk.FlagSequence, acl)
		return err
	}, more},
	{"create2", func(c *zk.Conn, path string) error {
		_, _, err := c.CreateStat(path+"/n", nil, zk.FlagSequence, acl)
		return err
	}, more},
	{"container", func(c *zk.Conn, path string) error {
		_, err := c.CreateContainer(path+"/n", nil, zk.FlagContainer, acl)
		return err
	}, more},
	{"TTL", func(c *zk.Conn, path string) error {
		_, err := c.CreateTTL(path+"/n", nil, zk.FlagPersistentSequentialWithTTL, acl, time.Hour)
		return err
	}, more},
	{"set", func(c *zk.Conn, path string) error {
		_, err := c.Set(path, []byte("x"), -1)
		return err
	}, func(st *zk.Stat) int { return int(st.Version) }},
	{"delete", func(c *zk.Conn, path string) error { return c.Delete(path+"/child", -1) },
		func(st *zk.Stat) int { return 1 - int(st.NumChildren) }},
	{"setACL", func(c *zk.Conn, path string) error {
		_, err := c.SetACL(path, acl, -1)
		return err
	}, func(st *zk.Stat) int { return int(st.Aversion) }},
	{"multi", func(c *zk.Conn, path string) error {
		_, err := c.Multi(
			&zk.SetDataRequest{Path: path, Version: -1},
			&zk.CreateRequest{Path: path + "/n", Flags: zk.FlagSequence, Acl: acl},
		)
		return err
	}, func(st *zk.Stat) int { return max(int(st.Version), more(st)) }},
	{"pipeline", func(c *zk.Conn, path string) error {
		return c.Pipeline(&zk.CreateRequest{Path: path + "/n", Flags: zk.FlagSequence, Acl: acl})[0].Err
	}, more},
	{"reconfig", func(c *zk.Conn, path string) error {
		_, err := c.IncrementalReconfig([]string{"server.9=a:1:2;3"}, nil, -1)
		return err
	}, func(*zk.Stat) int { return 0 }}, // zktest refuses it
}

func more(st *zk.Stat) int { return int(st.NumChildren) - 1 }

// changing are the operations of writes.
var changing = []string{"create", "create2", "createContainer", "createTTL", "setData", "delete",
	"setACL", "multi", "reconfig"}

// A write is sent once, on every server, whatever happens to any request of the call: also to the
// questions about what the server has, and to the read that follows a create. The error says whether
// the write may have been applied.
func TestWritesAreSentOnceOnEveryServer(t *testing.T) {
	faults := map[string]zktest.Fault{
		"the request is lost":  {Close: true},
		"the reply is lost":    {Lose: true},
		"the reply is cut":     {Cut: 9},
		"the server is silent": {Stall: true},
	}
	onEveryServer(t, func(t *testing.T, name string, server *zktest.Server) {
		other, _ := connect(t, server)
		n := 0
		for what, fault := range faults {
			for _, w := range writes {
				for at, struck := 1, true; struck; at++ {
					n++
					path := fmt.Sprintf("/w%d", n)
					create(t, other, path)
					create(t, other, path+"/child")
					c, _ := connect(t, server)
					if _, _, err := c.Exists("/"); err != nil {
						t.Fatal(err)
					}
					s := &striker{fault: fault, at: at, spared: other.SessionID(), session: c.SessionID()}
					if name == "3.4" {
						s.unknown = []string{"create2", "createContainer", "createTTL"}
					}
					server.OnRequest(s.request)
					err := w.call(c, path)
					server.OnRequest(nil)
					c.Close()
					_, st, lost := other.Get(path)
					wantErr(t, lost, nil)
					if wrong := s.judge(w.done(st), err, w.name == "create2"); wrong != "" {
						t.Errorf("%s, %s with request %d: %v: %s", w.name, what, at, err, wrong)
					}
					struck = s.reached()
				}
			}
		}
	})
}

// striker lets the request with the number at go wrong, of those that a client sends.
type striker struct {
	fault   zktest.Fault
	at      int
	spared  int64    // the session of another client
	session int64    // of the client
	unknown []string // operations that the server does not know, and so never does

	mu     sync.Mutex // guards the following
	seen   int
	sent   int  // writes of the call
	vain   int  // of those, so many that the server does not know
	struck bool // one of them went wrong
}

func (s *striker) request(r zktest.Request) zktest.Fault {
	if r.SessionID == s.spared || slices.Contains([]string{"ping", "closeSession"}, r.Op) {
		return zktest.Fault{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen++
	write := slices.Contains(changing, r.Op) && !strings.HasPrefix(r.Path, "/zk-")
	if write && r.Op == "reconfig" {
		write = r.SessionID == s.session
	}
	if write {
		s.sent++
		if slices.Contains(s.unknown, r.Op) {
			s.vain++
		}
	}
	if s.seen != s.at {
		return zktest.Fault{}
	}
	s.struck = s.struck || write
	return s.fault
}

// reached reports whether there was a request with the number.
func (s *striker) reached() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen >= s.at
}

// judge says what is wrong with a call that was applied so often and returned err. A call that reads
// what it has written may fail after that.
func (s *striker) judge(done int, err error, reads bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	maybe := zk.MaybeApplied(err)
	refused := errors.Is(err, zk.ErrUnimplemented) || errors.Is(err, zk.ErrReconfigDisabled)
	switch {
	case s.sent-s.vain > 1 || done > s.sent:
		return fmt.Sprintf("sent %d times, applied %d times", s.sent, done)
	case err == nil && done == 0:
		return "it was not applied"
	case maybe && s.sent == 0 || maybe != s.struck && !(maybe && reads):
		return fmt.Sprintf("it may have been applied: %v", maybe)
	case err != nil && !maybe && !refused:
		return "it is refused"
	}
	return ""
}
