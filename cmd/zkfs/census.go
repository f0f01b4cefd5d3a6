package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/zkfs/zkfs/flw"
)

// A census is what servers tell of the sessions. A server tells of the connections and watches of
// its own clients, and of the ephemerals of all.
type census struct {
	words     *flw.Client
	adminPort string

	mu       sync.Mutex // guards the following
	sessions map[int64]*sessionInfo
	gaps     []gap
	answers  int
}

// A sessionInfo is what is known of a session.
type sessionInfo struct {
	Session    string   `json:"session"`          // hexadecimal
	Client     string   `json:"client,omitempty"` // its address; missing if no server has told it
	Server     string   `json:"server,omitempty"` // to which it is connected
	TimeoutMS  int64    `json:"timeout_ms,omitempty"`
	Ephemerals []string `json:"ephemerals"`
	Watches    []string `json:"watches"` // for data
}

// A gap is a question that a server has not answered.
type gap struct {
	Server string `json:"server"`
	Word   string `json:"word"`
	Error  string `json:"error"`
}

// ask asks all servers the words, among cons, dump and wchp, all at the same time. What a server
// refuses its AdminServer is asked for.
func (s *census) ask(ctx context.Context, servers []string, words ...string) {
	s.sessions = map[int64]*sessionInfo{}
	var wg sync.WaitGroup
	for _, server := range servers {
		for _, word := range words {
			wg.Go(func() { s.askOne(ctx, server, word) }) // ends with ctx
		}
	}
	wg.Wait()
	slices.SortFunc(s.gaps, func(a, b gap) int {
		return cmp.Or(cmp.Compare(slices.Index(servers, a.Server), slices.Index(servers, b.Server)),
			cmp.Compare(a.Word, b.Word))
	})
	for _, info := range s.sessions {
		slices.Sort(info.Ephemerals)
		slices.Sort(info.Watches)
		info.Ephemerals, info.Watches = slices.Compact(info.Ephemerals), slices.Compact(info.Watches)
	}
}

// askOne asks one server one word. What was read before an error counts.
func (s *census) askOne(ctx context.Context, server, word string) {
	text, err := s.words.Ask(ctx, server, word)
	if err == nil {
		err = s.read(server, word, text)
	}
	var refused *flw.RefusedError
	if errors.As(err, &refused) {
		answer, adminErr := askAdmin(ctx, server, s.adminPort, word)
		if adminErr == nil {
			adminErr = s.readAdmin(server, word, answer)
		}
		err = nil
		if adminErr != nil {
			err = fmt.Errorf("%s AdminServer: %s", refused.Text, plain(adminErr))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.gaps = append(s.gaps, gap{server, word, plain(err)})
	}
	if err == nil || refused != nil {
		s.answers++
	}
}

// read takes in the reply to a word.
func (s *census) read(server, word, text string) error {
	switch word {
	case "cons":
		connections, err := flw.ParseCons(text)
		for _, c := range connections {
			s.connected(server, c.SessionID, c.Addr, c.Timeout.Milliseconds())
		}
		return err
	case "dump":
		dump, err := flw.ParseDump(text)
		for _, d := range dump.Sessions {
			s.connected("", d.ID, "", d.Timeout.Milliseconds())
		}
		s.own(dump.Ephemerals)
		return err
	}
	watches, err := flw.ParseWchp(text)
	s.watched(watches)
	return err
}

// of returns what is known of a session. s.mu is held.
func (s *census) of(id int64) *sessionInfo {
	if s.sessions[id] == nil {
		s.sessions[id] = &sessionInfo{
			Session: fmt.Sprintf("%#x", uint64(id)), Ephemerals: []string{}, Watches: []string{},
		}
	}
	return s.sessions[id]
}

// connected notes a connection, or without a server that there is such a session.
func (s *census) connected(server string, id int64, addr string, timeoutMS int64) {
	if id == 0 { // it asks for words
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	info := s.of(id)
	if server != "" {
		info.Server, info.Client = server, addr
	}
	info.TimeoutMS = max(info.TimeoutMS, timeoutMS)
}

// own notes ephemerals.
func (s *census) own(ephemerals map[int64][]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, paths := range ephemerals {
		s.of(id).Ephemerals = append(s.of(id).Ephemerals, paths...)
	}
}

// watched notes watches.
func (s *census) watched(watches map[string][]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, ids := range watches {
		for _, id := range ids {
			s.of(id).Watches = append(s.of(id).Watches, path)
		}
	}
}

// sorted returns the sessions, by their number.
func (s *census) sorted() []*sessionInfo {
	all := []*sessionInfo{}
	for _, id := range slices.SortedFunc(maps.Keys(s.sessions), func(a, b int64) int {
		return cmp.Compare(uint64(a), uint64(b))
	}) {
		all = append(all, s.sessions[id])
	}
	return all
}
