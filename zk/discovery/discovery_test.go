package discovery_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/internal/bubble"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/discovery"
)

var web = discovery.Instance{
	ID: "web-1", Endpoint: discovery.Endpoint{Host: "h", Port: 80}, SecurePort: 443, Shard: 3,
	Endpoints:  map[string]discovery.Endpoint{"admin": {Host: "h", Port: 81}},
	Registered: time.UnixMilli(1700000000123), Payload: []byte(`{"zone":"a"}`),
}

// Other programs read the znodes, so that their data is compared word for word.
func TestFormats(t *testing.T) {
	for _, tt := range []struct {
		name     string
		format   discovery.Format
		instance discovery.Instance
		want     string
	}{
		{"Curator", discovery.Curator, web, `{"name":"web","id":"web-1","address":"h",` +
			`"port":80,"sslPort":443,"payload":{"zone":"a"},"registrationTimeUTC":1700000000123,` +
			`"serviceType":"DYNAMIC","uriSpec":null,"enabled":true}`},
		{"Curator, least", discovery.Curator,
			discovery.Instance{ID: "x", Registered: web.Registered, Disabled: true},
			`{"name":"web","id":"x","address":"","port":null,"sslPort":null,"payload":null,` +
				`"registrationTimeUTC":1700000000123,"serviceType":"DYNAMIC",` +
				`"uriSpec":null,"enabled":false}`},
		{"Serverset", discovery.Serverset, web, `{"serviceEndpoint":{"host":"h","port":80},` +
			`"additionalEndpoints":{"admin":{"host":"h","port":81}},"status":"ALIVE","shard":3}`},
		{"Serverset, least", discovery.Serverset, discovery.Instance{ID: "x", Disabled: true},
			`{"serviceEndpoint":{"host":"","port":0},` +
				`"additionalEndpoints":{},"status":"STOPPED","shard":0}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble.Run(t, func(w *bubble.World) {
				c := w.Connect()
				s := discovery.Watch(w.Context(), c, "/services/web", tt.format)
				defer s.Close()
				r, err := discovery.Register(
					w.Context(), c, "/services/web", tt.format, tt.instance, bubble.ACL)
				w.OK(err)
				w.OK(r.Wait(w.Context()))
				data, stat, err := c.Get("/services/web/" + tt.instance.ID)
				w.OK(err)
				if string(data) != tt.want || stat.EphemeralOwner != c.SessionID() {
					w.Errorf("%s of %#x, want %s", data, stat.EphemeralOwner, tt.want)
				}
				w.OK(s.Cache().Sync(w.Context()))
				got := s.Instances()
				want := tt.instance
				if len(got) != 1 || got[0].ID != want.ID || got[0].Endpoint != want.Endpoint ||
					got[0].Disabled != want.Disabled {
					w.Errorf("%+v", got)
				}
				w.OK(r.Close(w.Context()))
			})
		})
	}
}

// Znodes of other programs are read, of older versions too.
func TestForeignZnodes(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c := w.Connect()
		w.Create(c, "/s", "/s/broken")
		for name, data := range map[string]string{
			"old": `{"name":"s","id":"old","address":"10.0.0.1","port":8080,"payload":"text",` +
				`"registrationTimeUTC":1,"serviceType":"STATIC"}`,
			"new": `{"name":"s","id":"new","address":"10.0.0.2","port":8080,"enabled":false,` +
				`"unknown":[1]}`,
		} {
			_, err := c.Create("/s/"+name, []byte(data), 0, bubble.ACL)
			w.OK(err)
		}
		s := discovery.Watch(w.Context(), c, "/s", discovery.Curator)
		defer s.Close()
		w.OK(s.Wait(w.Context()))
		got := s.Instances()
		if len(got) != 2 || got[0].Host != "10.0.0.2" || !got[0].Disabled ||
			got[1].Host != "10.0.0.1" || got[1].Disabled || string(got[1].Payload) != `"text"` {
			w.Errorf("%+v", got)
		}
		if broken := s.Broken(); len(broken) != 1 || broken["broken"] == nil {
			w.Errorf("broken: %v", broken)
		}
	})
}

// Instances come, change and go, also by the end of their sessions, and are told as sets.
func TestChanges(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		a, b := w.Connect(), w.Connect()
		s := discovery.Watch(w.Context(), a, "/web", discovery.Serverset)
		var told []string
		done := make(chan struct{})
		go func() { // ends with the watch
			defer close(done)
			for instances := range s.Changes(w.Context()) {
				var hosts []string
				for _, i := range instances {
					hosts = append(hosts, i.Host)
				}
				slices.Sort(hosts)
				told = append(told, strings.Join(hosts, " "))
			}
		}()
		step := func(err error) {
			w.Helper()
			w.OK(err)
			w.OK(s.Cache().Sync(w.Context()))
			synctest.Wait()
		}
		register := func(c *zk.Conn, host string) *discovery.Registration {
			r, err := discovery.Register(w.Context(), c, "/web", discovery.Serverset,
				discovery.Instance{Endpoint: discovery.Endpoint{Host: host}}, bubble.ACL)
			w.OK(err)
			step(r.Wait(w.Context()))
			return r
		}
		step(nil)
		first := register(a, "a")
		second := register(b, "b")
		number, ok := strings.CutPrefix(second.ID(), "member_")
		if !ok || len(number) != 10 {
			w.Errorf("id %q", second.ID())
		}
		moved := discovery.Instance{Endpoint: discovery.Endpoint{Host: "c"}}
		step(second.Update(w.Context(), moved))
		w.Server.ExpireSession(b.SessionID())
		time.Sleep(time.Minute)
		step(nil)
		step(first.Close(w.Context()))
		step(second.Close(w.Context()))
		s.Close()
		<-done
		if want := []string{"", "a", "a b", "a c", "a", "a c", "c", ""}; !slices.Equal(told, want) {
			w.Errorf("told %q, want %q", told, want)
		}
	})
}

func TestRefusedInstances(t *testing.T) {
	bubble.Run(t, func(w *bubble.World) {
		c := w.Connect()
		register := func(f discovery.Format, i discovery.Instance) error {
			_, err := discovery.Register(w.Context(), c, "/s", f, i, bubble.ACL)
			return err
		}
		for name, i := range map[string]discovery.Instance{
			"id": {ID: "a/b"}, "payload": {ID: "x", Payload: []byte("{")},
		} {
			if register(discovery.Curator, i) == nil {
				w.Errorf("an instance with a bad %s is registered", name)
			}
		}
		if register(0, discovery.Instance{}) == nil {
			w.Error("an unknown format")
		}
		s := discovery.Watch(w.Context(), c, "s", discovery.Curator)
		if err := s.Wait(w.Context()); !errors.Is(err, zk.ErrInvalidPath) {
			w.Errorf("Wait: %v", err)
		}
	})
}
