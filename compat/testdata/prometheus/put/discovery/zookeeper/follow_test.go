package zookeeper

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/stretchr/testify/require"
)

// The targets are those of the znodes: as znodes come, change and go, across a lost connection, an
// expired session, and a root that another client deletes and makes again.
func TestTargetsFollowTheZnodes(t *testing.T) {
	kinds := map[string]struct {
		discovery func(servers []string, path string) (*Discovery, error)
		member    string
	}{
		"serverset": {
			func(servers []string, path string) (*Discovery, error) {
				conf := &ServersetSDConfig{servers, []string{path}, model.Duration(10 * time.Second)}
				return NewServersetDiscovery(conf, nil)
			},
			`{"serviceEndpoint": {"host": "h", "port": %d}, "additionalEndpoints": {}, "status": "ALIVE"}`,
		},
		"nerve": {
			func(servers []string, path string) (*Discovery, error) {
				conf := &NerveSDConfig{servers, []string{path}, model.Duration(10 * time.Second)}
				return NewNerveDiscovery(conf, nil)
			},
			`{"host": "h", "port": %d, "name": "x"}`,
		},
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			root := fmt.Sprintf("/%s-%d", name, time.Now().UnixNano())
			way := newWay(t)
			d, err := kind.discovery([]string{way.addr()}, root)
			require.NoError(t, err)
			f := &fixture{t: t, conn: connect(t), root: root, member: kind.member, want: map[string]string{}}
			f.run(d)
			f.follow(way, d)
		})
	}
}

// A fixture is a discovery that runs, and another client that changes its znodes.
type fixture struct {
	t            *testing.T
	conn         *zk.Conn
	root, member string
	want         map[string]string // the addresses of the targets by their znodes
	groups       chan []*targetgroup.Group
	have         map[string]string
}

func (f *fixture) follow(way *way, d *Discovery) {
	f.create("", "")
	f.set("/a", 1)
	f.set("/b", 2)
	f.await("created")
	f.set("/a", 3)
	f.create("/other", "not a member")
	f.set("/other/c", 4)
	f.remove("/b")
	f.await("changed and deleted")

	way.hold()
	f.set("/a", 5)
	f.remove("/other/c")
	f.set("/d", 6)
	way.release()
	f.await("changed while the connection was lost")

	way.hold()
	f.expire(d.conn)
	f.set("/a", 7)
	f.remove("/d")
	f.set("/e", 8)
	way.release()
	f.await("changed while the session expired")
	f.set("/a", 9)
	f.await("changed in the next session")

	for _, path := range []string{"/a", "/e", "/other", ""} {
		f.remove(path)
	}
	f.await("the root is gone")
	f.create("", "")
	f.set("/f", 10)
	f.await("the root is back")
}

// run runs the discovery until the test ends.
func (f *fixture) run(d *Discovery) {
	f.groups, f.have = make(chan []*targetgroup.Group), map[string]string{}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.Run(ctx, f.groups)
	}()
	f.t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// await takes groups until the targets are those that are wanted.
func (f *fixture) await(what string) {
	f.t.Helper()
	hang := time.After(5 * time.Minute)
	for !maps.Equal(f.have, f.want) {
		select {
		case groups := <-f.groups:
			for _, group := range groups {
				delete(f.have, group.Source)
				for _, target := range group.Targets {
					f.have[group.Source] = string(target[model.AddressLabel])
				}
			}
		case <-hang:
			f.t.Fatalf("%s: targets are %v, want %v", what, f.have, f.want)
		}
	}
}

func (f *fixture) create(path, data string) {
	f.t.Helper()
	_, err := f.conn.Create(f.root+path, []byte(data), 0, zk.WorldACL(zk.PermAll))
	require.NoError(f.t, err)
}

// set makes the member at path, or changes it.
func (f *fixture) set(path string, port int) {
	f.t.Helper()
	data := fmt.Sprintf(f.member, port)
	if _, err := f.conn.Set(f.root+path, []byte(data), -1); err != nil {
		require.ErrorIs(f.t, err, zk.ErrNoNode)
		f.create(path, data)
	}
	f.want[f.root+path] = fmt.Sprintf("h:%d", port)
}

func (f *fixture) remove(path string) {
	f.t.Helper()
	require.NoError(f.t, f.conn.Delete(f.root+path, -1))
	delete(f.want, f.root+path)
}

// expire lets the servers end the session of conn.
func (f *fixture) expire(conn *zk.Conn) {
	f.t.Helper()
	connect(f.t, zk.WithSession(conn.SessionID(), conn.SessionPassword())).Close()
}

// connect opens a session with the server, not by the way.
func connect(t *testing.T, options ...zk.Option) *zk.Conn {
	t.Helper()
	conn, _, err := zk.Connect([]string{os.Getenv("ZOOKEEPER")}, 30*time.Second, options...)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	require.NoError(t, conn.WaitConnected())
	return conn
}

// A way leads to the server, and is closed from hold to release.
type way struct {
	listener net.Listener

	// mu guards the following.
	mu    sync.Mutex
	held  bool
	conns map[net.Conn]bool
}

func newWay(t *testing.T) *way {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &way{listener: listener, conns: map[net.Conn]bool{}}
	go w.serve()
	t.Cleanup(func() {
		listener.Close()
		w.hold()
	})
	return w
}

func (w *way) addr() string { return w.listener.Addr().String() }

func (w *way) serve() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", os.Getenv("ZOOKEEPER"))
		if err != nil || !w.add(client, server) {
			client.Close()
			continue
		}
		go forward(client, server)
		go forward(server, client)
	}
}

// add reports whether the way is open for a connection.
func (w *way) add(client, server net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held {
		server.Close()
		return false
	}
	w.conns[client], w.conns[server] = true, true
	return true
}

// forward ends with either of the two.
func forward(to, from net.Conn) {
	io.Copy(to, from)
	to.Close()
	from.Close()
}

func (w *way) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = true
	for conn := range w.conns {
		conn.Close()
	}
	clear(w.conns)
}

func (w *way) release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = false
}
