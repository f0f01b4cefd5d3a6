package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	neturl "net/url"
	"strconv"

	"github.com/zkfs/zkfs/flw"
)

// adminCommands are the commands of an AdminServer that tell what a word does.
var adminCommands = map[string]string{
	"cons": "connections", "dump": "dump", "wchp": "watches_by_path",
}

// An adminAnswer is what an AdminServer says to one of them, as ZooKeeper 3.5 to 3.9 do.
type adminAnswer struct {
	Error       any               `json:"error"`
	Connections []adminConnection `json:"connections"`
	Secure      []adminConnection `json:"secure_connections"`

	Expiries   map[string][]int64  `json:"expiry_time_to_session_ids"`
	Ephemerals map[string][]string `json:"session_id_to_ephemeral_paths"`

	Watches map[string][]int64 `json:"path_to_session_ids"`
}

type adminConnection struct {
	Address   string `json:"remote_socket_address"`
	Session   int64  `json:"session_id"`
	TimeoutMS int64  `json:"session_timeout"`
}

// askAdmin asks the AdminServer of a server for what a word tells.
func askAdmin(ctx context.Context, server, port, word string) (a adminAnswer, err error) {
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return a, err
	}
	address := net.JoinHostPort(host, port)
	url := "http://" + address + "/commands/" + adminCommands[word]
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return a, err
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	reply, err := client.Do(request)
	var wrapped *neturl.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if err != nil {
		return a, err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return a, fmt.Errorf("%s answers %s", address, reply.Status)
	}
	if err := json.NewDecoder(io.LimitReader(reply.Body, flw.MaxReply)).Decode(&a); err != nil {
		return a, fmt.Errorf("%s answers what is not of an AdminServer", address)
	}
	if a.Error != nil {
		return a, fmt.Errorf("%s answers %v", address, a.Error)
	}
	return a, nil
}

// readAdmin takes in what an AdminServer says in place of a word.
func (s *census) readAdmin(server, word string, a adminAnswer) error {
	switch {
	case word == "cons" && a.Connections == nil, word == "dump" && a.Ephemerals == nil,
		word == "wchp" && a.Watches == nil:
		return errors.New("its answer lacks what was asked for")
	}
	for _, c := range append(a.Connections, a.Secure...) {
		s.connected(server, c.Session, c.Address, c.TimeoutMS)
	}
	for _, ids := range a.Expiries {
		for _, id := range ids {
			s.connected("", id, "", 0)
		}
	}
	owned := map[int64][]string{}
	for text, paths := range a.Ephemerals {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return err
		}
		owned[id] = paths
	}
	s.own(owned)
	s.watched(a.Watches)
	return nil
}
