package zk_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/internal/wire"
)

// What a server must not make a client believe that has the chroot /app.
var (
	impossiblePaths = []string{"", "a", "app/a", "//", "/app/", "/app//a", "/app/a/../../etc", "/app/../etc", "/app/..", "/app/.", "/app/./a",
		"/app/a\x00b", "/app/a\nb", "/app/\x1b[2J", "/app/\u0085", "/app/\xff", "/app/\U0001f600", "/", "/apple", "/apple/a", "/etc/a", "/App/a"}
	impossibleNames = []string{"", ".", "..", "/", "a/b", "../a", "a\x00b", "a\nb", "\x1b[2J", "\u0085", "\xff", "\U0001f600"}
	possibleNames   = []string{"a", "...", "..a", "a b", "ä", "日本", "a\u202eb", "%2F", `a\b`, strings.Repeat("n", 300)}
)

// receivedLog keeps what a client logs.
type receivedLog struct {
	mu    sync.Mutex // guards lines
	lines []string
}

func (l *receivedLog) Printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// doubts returns the lines about what was left out.
func (l *receivedLog) doubts() (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, "ignored") {
			found = append(found, line)
		}
	}
	return found
}

// receiver is a client, with the chroot /app, of a server that answers each opcode with its record.
func receiver(t *testing.T, records map[wire.Op][]byte) (*zk.Conn, *receivedLog) {
	t.Helper()
	logged := &receivedLog{}
	c, _, err := zk.Connect([]string{cannedServer(t, records)}, 10*time.Second, zk.WithChroot("/app"), zk.WithLogger(logged))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, logged
}

// replies are the calls that return a path, each with the opcode that it uses.
var replies = []struct {
	name string
	op   wire.Op
	call func(c *zk.Conn) (string, error)
}{
	{"create", wire.OpCreate, func(c *zk.Conn) (string, error) { return c.Create("/a", nil, 0, acl) }},
	{"create sequential", wire.OpCreate, func(c *zk.Conn) (string, error) { return c.Create("/a", nil, zk.FlagSequence, acl) }},
	{"create protected", wire.OpCreate, func(c *zk.Conn) (string, error) { return c.CreateProtectedEphemeralSequential("/a", nil, acl) }},
	{"create2", wire.OpCreate2, func(c *zk.Conn) (string, error) { p, _, err := c.CreateStat("/a", nil, 0, acl); return p, err }},
	{"container", wire.OpCreateContainer, func(c *zk.Conn) (string, error) { return c.CreateContainer("/a", nil, zk.FlagContainer, acl) }},
	{"ttl", wire.OpCreateTTL, func(c *zk.Conn) (string, error) { return c.CreateTTL("/a", nil, zk.FlagTTL, acl, time.Second) }},
	{"sync", wire.OpSync, func(c *zk.Conn) (string, error) { return c.Sync("/a") }},
	{"multi", wire.OpMulti, func(c *zk.Conn) (string, error) {
		r, err := c.Multi(&zk.CreateRequest{Path: "/a", Acl: acl})
		if len(r) != 1 || r[0].Error != err {
			return "", fmt.Errorf("multi: %+v, %w", r, err)
		}
		return r[0].String, err
	}},
	{"pipelined create", wire.OpCreate, func(c *zk.Conn) (string, error) {
		r := c.Pipeline(&zk.CreateRequest{Path: "/a", Acl: acl})[0]
		return r.Path, r.Err
	}},
	{"pipelined container", wire.OpCreateContainer, func(c *zk.Conn) (string, error) {
		r := c.Pipeline(&zk.CreateContainerRequest{Path: "/a", Acl: acl})[0]
		return r.Path, r.Err
	}},
	{"pipelined sync", wire.OpSync, func(c *zk.Conn) (string, error) {
		r := c.Pipeline(&zk.SyncRequest{Path: "/a"})[0]
		return r.Path, r.Err
	}},
}

// pathReplies answers every call of replies with the path.
func pathReplies(path string) map[wire.Op][]byte {
	one := (&wire.CreateResponse{Path: path}).Append(nil)
	two := (&wire.Create2Response{Path: path}).Append(nil)
	multi := &wire.MultiResponse{Results: []wire.MultiResult{{Op: wire.OpCreate, Record: &wire.CreateResponse{Path: path}}}}
	return map[wire.Op][]byte{wire.OpCreate: one, wire.OpSync: one, wire.OpCreate2: two, wire.OpCreateContainer: two, wire.OpCreateTTL: two,
		wire.OpMulti: multi.Append(nil)}
}

// A path in a reply is refused unless it can be the path of a znode below the chroot.
func TestPathsOfReplies(t *testing.T) {
	for _, path := range impossiblePaths {
		c, _ := receiver(t, pathReplies(path))
		for _, r := range replies {
			if got, err := r.call(c); got != "" || err == nil || !strings.HasPrefix(err.Error(), "zk: path from the server: ") {
				t.Errorf("%s answered with %q: %q, %v", r.name, path, got, err)
			} else if !zk.MaybeApplied(err) {
				t.Errorf("%s answered with %q was not applied, by its error", r.name, path)
			}
		}
	}
	for _, name := range possibleNames {
		c, _ := receiver(t, pathReplies("/app/"+name))
		for _, r := range replies {
			if got, err := r.call(c); got != "/"+name || err != nil {
				t.Errorf("%s answered with /app/%s: %q, %v", r.name, name, got, err)
			}
		}
	}
}

// A reply that can not be understood says nothing about what the server has done.
func TestMalformedReplyMayHaveBeenApplied(t *testing.T) {
	two := &wire.MultiResponse{Results: []wire.MultiResult{
		{Op: wire.OpCheck}, {Op: wire.OpCheck},
	}}
	for name, record := range map[string][]byte{"not a record": {1}, "a result too many": two.Append(nil)} {
		c, _ := receiver(t, map[wire.Op][]byte{wire.OpMulti: record, wire.OpSetData: {1}})
		_, err := c.Multi(&zk.DeleteRequest{Path: "/a"})
		if err == nil || !zk.MaybeApplied(err) {
			t.Errorf("multi answered with %s: %v, may have been applied: %v", name, err, zk.MaybeApplied(err))
		}
		if _, err := c.Set("/a", nil, -1); err == nil || !zk.MaybeApplied(err) {
			t.Errorf("set: %v, may have been applied: %v", err, zk.MaybeApplied(err))
		}
	}
}

// A name that no znode can have is left out of a list and does not spoil it. It is logged once.
func TestNamesOfReplies(t *testing.T) {
	sent := slices.Concat(possibleNames[:3], impossibleNames, possibleNames[3:])
	multi := &wire.MultiResponse{Results: []wire.MultiResult{{Op: wire.OpGetChildren, Record: &wire.GetChildrenResponse{Children: sent}}}}
	records := map[wire.Op][]byte{
		wire.OpGetChildren2: (&wire.GetChildren2Response{Children: sent}).Append(nil),
		wire.OpMultiRead:    multi.Append(nil),
	}
	for name, call := range map[string]func(c *zk.Conn) ([]string, error){
		"children":  func(c *zk.Conn) ([]string, error) { names, _, err := c.Children("/"); return names, err },
		"childrenW": func(c *zk.Conn) ([]string, error) { names, _, _, err := c.ChildrenW("/"); return names, err },
		"pipeline": func(c *zk.Conn) ([]string, error) {
			r := c.Pipeline(&zk.GetChildrenRequest{Path: "/"})[0]
			return r.Children, r.Err
		},
		"multiRead": func(c *zk.Conn) ([]string, error) {
			r, err := c.MultiRead(&zk.GetChildrenRequest{Path: "/"})
			if err != nil {
				return nil, err
			}
			return r[0].Children, r[0].Err
		},
	} {
		c, logged := receiver(t, records)
		for range 3 {
			if got, err := call(c); err != nil || !slices.Equal(got, possibleNames) {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		if lines := logged.doubts(); len(lines) != 1 || !strings.Contains(lines[0], `"" is not a name`) {
			t.Errorf("%s: logged %q", name, lines)
		}
	}
}

func TestPathsOfEphemerals(t *testing.T) {
	sent := slices.Concat([]string{"/app/a", "/app"}, impossiblePaths, []string{"/app/b"})
	c, logged := receiver(t, map[wire.Op][]byte{wire.OpGetEphemerals: (&wire.GetEphemeralsResponse{Ephemerals: sent}).Append(nil)})
	if got, err := c.Ephemerals("/"); err != nil || !slices.Equal(got, []string{"/a", "/", "/b"}) {
		t.Errorf("%q, %v", got, err)
	}
	if lines := logged.doubts(); len(lines) != 1 {
		t.Errorf("logged %q", lines)
	}
	// That a path is outside the chroot is the server's way of comparing, and no fault.
	c, logged = receiver(t, map[wire.Op][]byte{wire.OpGetEphemerals: (&wire.GetEphemeralsResponse{Ephemerals: []string{"/apple", "/app/a"}}).Append(nil)})
	if got, err := c.Ephemerals("/"); err != nil || !slices.Equal(got, []string{"/a"}) || len(logged.doubts()) != 0 {
		t.Errorf("%q, %v, logged %q", got, err, logged.doubts())
	}
}

// pathServer answers a client's requests with the records of their opcodes, and sends events of the
// paths before the answer to the second.
func pathServer(paths []string, records map[wire.Op][]byte) zk.Dialer {
	return answerServer(func(n int, h wire.RequestHeader) (frames []byte) {
		for i := 0; n == 2 && i < len(paths); i++ {
			e := wire.WatcherEvent{Type: wire.EventNodeDataChanged, State: int32(zk.StateSyncConnected), Path: paths[i]}
			frames = append(frames, reply(wire.XidNotification, e.Append(nil))...)
		}
		return append(frames, reply(h.Xid, records[h.Op])...)
	})
}

// answerServer answers each request with the frames that answer returns for it, given its number on the connection. It
// serves any number of connections in memory.
func answerServer(answer func(n int, h wire.RequestHeader) []byte) zk.Dialer {
	return func(string, string, time.Duration) (net.Conn, error) {
		client, server := net.Pipe()
		go func() { // ends when the client closes its side
			defer server.Close()
			r := bufio.NewReader(server)
			if _, err := wire.ReadFrame(r, nil, 1<<10); err != nil {
				return
			}
			server.Write(wire.AppendFrame(nil, &wire.ConnectResponse{TimeOut: 10000, SessionID: 1, Passwd: []byte("0123456789abcdef")}))
			for n := 1; ; n++ {
				request, err := wire.ReadFrame(r, nil, 1<<20)
				if err != nil {
					return
				}
				var h wire.RequestHeader
				d := wire.NewDecoder(request)
				h.Decode(&d)
				if _, err := server.Write(answer(n, h)); err != nil {
					return
				}
			}
		}()
		return client, nil
	}
}

// reply is the frame of a record behind its header.
func reply(xid int32, record []byte) []byte {
	h := wire.ReplyHeader{Xid: xid, Zxid: 1}
	header := h.Append(nil)
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(header)+len(record)))
	return slices.Concat(frame, header, record)
}

// Events of impossible paths reach nobody, and the one behind them everybody: the connection stays.
// One that does not begin with a slash ends it (TestMalformedFrames).
func TestPathsOfEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := slices.DeleteFunc(slices.Clone(impossiblePaths), func(path string) bool { return !strings.HasPrefix(path, "/") })
		logged := &receivedLog{}
		c, events := connectTo(t, pathServer(append(sent, "/app/a"), pathReplies("/app")), zk.WithChroot("/app"), zk.WithLogger(logged))
		var observed []string
		cancel := c.OnEvent(func(e zk.Event) {
			if e.Type != zk.EventSession {
				observed = append(observed, e.Path)
			}
		})
		defer cancel()
		watcher, err := c.AddWatch("/", zk.AddWatchPersistentRecursive)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Sync("/"); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(observed, []string{"/a"}) {
			t.Errorf("observed %q", observed)
		}
		if e := <-watcher.Events(); e.Path != "/a" || len(watcher.Events()) != 0 {
			t.Errorf("the watcher got %+v and %d more", e, len(watcher.Events()))
		}
		for n := len(events); n > 0; n-- {
			if e := <-events; e.Type != zk.EventSession && e.Path != "/a" || e.State == zk.StateDisconnected {
				t.Errorf("told %+v", e)
			}
		}
		if lines := logged.doubts(); len(lines) != 1 || !strings.Contains(lines[0], "path from the server") {
			t.Errorf("logged %q", lines)
		}
	})
}

// FuzzReceivedPath lets a server send any path and any name in an event, in replies and in a list:
// what comes out leads nowhere else when it is joined to a directory, and nothing is lost that can
// be a znode.
func FuzzReceivedPath(f *testing.F) {
	for _, path := range impossiblePaths {
		f.Add(path, "a")
	}
	for _, name := range slices.Concat(possibleNames, impossibleNames) {
		f.Add("/app/"+name, name)
	}
	f.Fuzz(func(t *testing.T, path, name string) {
		synctest.Test(t, func(t *testing.T) {
			records := pathReplies(path)
			records[wire.OpGetChildren2] = (&wire.GetChildren2Response{Children: []string{"first", name, "last"}}).Append(nil)
			records[wire.OpExists] = new(wire.Stat).Append(nil)
			sent := []string{path, "/app/last"}
			if !strings.HasPrefix(path, "/") {
				sent = sent[1:]
			}
			c, _ := connectTo(t, pathServer(sent, records), zk.WithChroot("/app"))
			var events []string
			cancel := c.OnEvent(func(e zk.Event) {
				if e.Type != zk.EventSession {
					events = append(events, e.Path)
				}
			})
			defer cancel()
			paths, errs := map[string]bool{}, 0
			for _, r := range replies {
				if got, err := r.call(c); err == nil {
					paths[got] = true
				} else {
					errs++
				}
			}
			names, _, err := c.Children("/")
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			switch {
			case len(events) == 0 || events[len(events)-1] != "/last":
				t.Fatalf("events %q", events)
			case len(events) == 2:
				paths[events[0]] = true
			default:
				errs++
			}
			if len(paths) > 1 || (len(paths) == 1) != (errs == 0) {
				t.Fatalf("%q is one time refused, one time not: %v, %d errors", path, paths, errs)
			}
			for got := range paths {
				if got != "/" && !filepath.IsLocal(got[1:]) || filepath.Join("/app", got) != path || strings.ContainsAny(got, "\x00\n\x1b") {
					t.Fatalf("%q became %q", path, got)
				}
			}
			if n := len(names); n < 2 || n > 3 || names[0] != "first" || names[n-1] != "last" {
				t.Fatalf("listed %q", names)
			}
			if local := filepath.IsLocal(name) && filepath.Base(name) == name && name != "."; len(names) == 3 && (names[1] != name || !local) {
				t.Fatalf("%q is listed as %q", name, names)
			}
			// The rule for lists is that for paths: what is listed can be asked for, and what is
			// not, can not.
			if _, _, err := c.Exists("/" + name); name != "" && !strings.Contains(name, "/") && errors.Is(err, zk.ErrInvalidPath) != (len(names) == 2) {
				t.Fatalf("%q: %v, listed %q", name, err, names)
			}
		})
	})
}
