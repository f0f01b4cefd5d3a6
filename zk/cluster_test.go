package zk

import (
	"bytes"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestStartTestClusterThatCannotStart(t *testing.T) {
	fakeJava(t, "echo no room >&2; exit 1")
	t.Setenv("TMPDIR", t.TempDir())
	jar := touch(t, "fat.jar") + "/fat.jar"
	ts, err := StartTestClusterFunc(3, func(_ int, _ *ServerConfig, srv *Server) { srv.JarPath = jar })
	if err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("got %v, error %v", ts, err)
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := StartTestCluster(0, nil, nil); err == nil {
		t.Error("a cluster of 0 servers was started")
	}
}

func TestTestClusterFindsServersByPort(t *testing.T) {
	ts := &TestCluster{Servers: []TestServer{{Port: 1181, Srv: &Server{}}, {Port: 2181, Srv: &Server{}}}}
	if s, err := ts.find("localhost:2181"); s.Port != 2181 || err != nil {
		t.Errorf("got %v, %v", s, err)
	}
	for _, unknown := range []string{"127.0.0.1:3181", "181", ""} {
		if err := ts.StartServer(unknown); err == nil {
			t.Errorf("StartServer(%q) found a server", unknown)
		}
		if err := ts.StopServer(unknown); err == nil {
			t.Errorf("StopServer(%q) found a server", unknown)
		}
	}
}

func TestServerServes(t *testing.T) {
	answers := map[string]bool{
		"Zookeeper version: 3.8.0\nMode: standalone\n":                true,
		"This ZooKeeper instance is not currently serving requests\n": false,
		"srvr is not executed because it is not in the whitelist.\n":  false,
		"": false,
	}
	for answer, want := range answers {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		asked := make(chan string, 1)
		go func() { // ends with its one connection
			c, err := l.Accept()
			if err != nil {
				asked <- err.Error()
				return
			}
			defer c.Close()
			question := make([]byte, 4)
			io.ReadFull(c, question)
			io.WriteString(c, answer)
			asked <- string(question)
		}()
		if got := (TestServer{Port: l.Addr().(*net.TCPAddr).Port}).serves(time.Minute); got != want {
			t.Errorf("%q: %v", answer, got)
		}
		if question := <-asked; question != "srvr" {
			t.Errorf("asked %q", question)
		}
		l.Close()
	}
	if l, err := freePorts(1); err != nil || (TestServer{Port: l[0]}).serves(time.Minute) {
		t.Errorf("nobody listens, yet it serves (%v)", err)
	}
}

func TestFreePortsAreDistinct(t *testing.T) {
	ports, err := freePorts(50)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ports)
	if n := len(slices.Compact(ports)); n != 50 {
		t.Errorf("%d distinct ports of 50", n)
	}
}

func TestSerializedWriterIsForConcurrentUse(t *testing.T) {
	if serialize(nil) != nil {
		t.Error("nil must stay nil")
	}
	var b bytes.Buffer
	w := serialize(&b)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				io.WriteString(w, "x")
			}
		})
	}
	wg.Wait()
	if b.Len() != 800 {
		t.Errorf("%d bytes", b.Len())
	}
}
