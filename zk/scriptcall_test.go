package zk

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing/synctest"
	"time"
)

// scriptCall is a call that a script has made.
type scriptCall struct {
	result chan string
	watch  <-chan Event // valid after result
}

func (s *script) call(rest string) error {
	args := strings.Fields(rest)
	if len(args) < 2 || scriptMethods[args[1]] == nil {
		return errors.New("want a name and a method")
	}
	client, cancel := s.client, context.CancelFunc(func() {})
	if limit, ok := strings.CutPrefix(args[len(args)-1], "within="); ok {
		d, err := time.ParseDuration(limit)
		if err != nil {
			return err
		}
		var ctx context.Context
		ctx, cancel = context.WithTimeout(context.Background(), d)
		client, args = client.WithContext(ctx), args[:len(args)-1]
	}
	call := &scriptCall{result: make(chan string, 1)}
	s.calls[args[0]] = call
	go func() { // ends when the client is closed, at the latest
		defer cancel()
		result, watch, err := scriptMethods[args[1]](client, append(args[2:], "", ""))
		switch {
		case err != nil && MaybeApplied(err):
			result = "maybe applied: " + err.Error()
		case err != nil:
			result = "error: " + err.Error()
		}
		call.watch = watch
		call.result <- result
	}()
	synctest.Wait() // so that calls reach the client in the order of the script
	return nil
}

func (s *script) done(rest string) error {
	name, want, _ := strings.Cut(rest, " ")
	call := s.calls[name]
	if call == nil {
		return errors.New("no such call")
	}
	select {
	case got := <-call.result:
		if got != want {
			return fmt.Errorf("got  %s\nwant %s", got, want)
		}
		return nil
	case <-time.After(patience):
		return errors.New("it has not returned")
	}
}

func (s *script) pending(name string) error {
	synctest.Wait()
	if call := s.calls[name]; call == nil || len(call.result) > 0 {
		return errors.New("it has returned")
	}
	return nil
}

func (s *script) watch(rest string) error {
	name, want, _ := strings.Cut(rest, " ")
	call := s.calls[name]
	if call == nil || call.watch == nil {
		return errors.New("no such watch")
	}
	select {
	case e, open := <-call.watch:
		if got := eventText(e); !open || got != want {
			return fmt.Errorf("got  %s, channel open %v\nwant %s", got, open, want)
		}
	case <-time.After(patience):
		return errors.New("no event")
	}
	if _, open := <-call.watch; open {
		return errors.New("a second event")
	}
	return nil
}

func (s *script) armed(name string) error {
	synctest.Wait()
	if call := s.calls[name]; call == nil || call.watch == nil || len(call.watch) > 0 {
		return errors.New("it is not")
	}
	return nil
}

func eventText(e Event) string {
	text := e.Type.String() + " " + e.Path
	if e.Type == EventSession {
		text = e.State.String()
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (s *script) state(want string) error {
	synctest.Wait()
	if got := s.client.State().String(); got != want {
		return fmt.Errorf("got %s", got)
	}
	return nil
}

// event ignores node events, which the watches deliver too.
func (s *script) event(want string) error {
	for {
		select {
		case e, open := <-s.events:
			switch got := eventText(e); {
			case open && e.Type != EventSession:
			case !open || !strings.HasPrefix(got, want):
				return fmt.Errorf("got %s, channel open %v", got, open)
			default:
				return nil
			}
		case <-time.After(patience):
			return errors.New("no event")
		}
	}
}

func (s *script) sleep(rest string) error {
	d, err := time.ParseDuration(rest)
	time.Sleep(d) // of the bubble
	synctest.Wait()
	return err
}

// scriptMethods has the methods that a script can call. Arguments that are left out are empty.
var scriptMethods = map[string]func(c *Conn, args []string) (string, <-chan Event, error){
	"get": func(c *Conn, args []string) (string, <-chan Event, error) {
		data, stat, err := c.Get(args[0])
		return dataText(data, stat, err), nil, err
	},
	"getw": func(c *Conn, args []string) (string, <-chan Event, error) {
		data, stat, watch, err := c.GetW(args[0])
		return dataText(data, stat, err), watch, err
	},
	"exists": func(c *Conn, args []string) (string, <-chan Event, error) {
		found, _, err := c.Exists(args[0])
		return strconv.FormatBool(found), nil, err
	},
	"existsw": func(c *Conn, args []string) (string, <-chan Event, error) {
		found, _, watch, err := c.ExistsW(args[0])
		return strconv.FormatBool(found), watch, err
	},
	"children": func(c *Conn, args []string) (string, <-chan Event, error) {
		names, _, err := c.Children(args[0])
		return fmt.Sprint(names), nil, err
	},
	"childrenw": func(c *Conn, args []string) (string, <-chan Event, error) {
		names, _, watch, err := c.ChildrenW(args[0])
		return fmt.Sprint(names), watch, err
	},
	"create": func(c *Conn, args []string) (string, <-chan Event, error) {
		path, err := c.Create(args[0], []byte(args[1]), 0, WorldACL(PermAll))
		return path, nil, err
	},
	"set": func(c *Conn, args []string) (string, <-chan Event, error) {
		stat, err := c.Set(args[0], []byte(args[1]), -1)
		if err != nil {
			return "", nil, err
		}
		return fmt.Sprintf("version=%d", stat.Version), nil, nil
	},
	"delete": func(c *Conn, args []string) (string, <-chan Event, error) {
		return "ok", nil, c.Delete(args[0], -1)
	},
	"sync": func(c *Conn, args []string) (string, <-chan Event, error) {
		path, err := c.Sync(args[0])
		return path, nil, err
	},
	"auth": func(c *Conn, args []string) (string, <-chan Event, error) {
		return "ok", nil, c.AddAuth(args[0], []byte(args[1]))
	},
	"close": func(c *Conn, args []string) (string, <-chan Event, error) {
		c.Close()
		return "ok", nil, nil
	},
}

func dataText(data []byte, stat *Stat, err error) string {
	switch {
	case err != nil:
		return ""
	case data == nil:
		return fmt.Sprintf("null version=%d", stat.Version)
	}
	return fmt.Sprintf("%q version=%d", data, stat.Version)
}
