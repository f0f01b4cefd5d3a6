package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/zk"
)

// ensemble is three servers. The last one may lose what it has stored: its disk is a small one of its own.
type ensemble struct {
	*zk.TestCluster
	disk string // that of the last server
	logs string // the folder for what the servers print
	kept string // the folder for the logs of transactions of emptied disks

	emptied []string // folders in kept, in the order of time

	stands int // how often the servers came to a stand, see whole
}

// diskBytes is enough for an hour, in which the disk is emptied now and then.
const diskBytes = 1 << 30

func startEnsemble(t *testing.T) *ensemble {
	t.Helper()
	e := &ensemble{disk: t.TempDir(), kept: t.TempDir(), logs: *outDir}
	if e.logs == "" {
		e.logs = t.TempDir()
	}
	if err := unix.Mount("chaos", e.disk, "tmpfs", 0, fmt.Sprint("size=", diskBytes)); err != nil {
		t.Fatalf("a small disk, which needs root: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(e.disk, unix.MNT_DETACH) })
	var err error
	e.TestCluster, err = zk.StartTestClusterFunc(3, func(id int, config *zk.ServerConfig, srv *zk.Server) {
		config.Extra = append(config.Extra, "preAllocSize=256")
		// One that is out of memory would go on without the threads that were hit.
		srv.JVMFlags = append(srv.JVMFlags, "-Dreadonlymode.enabled=true", "-Xmx256m", "-XX:+ExitOnOutOfMemoryError")
		log, err := os.Create(e.log(id - 1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { log.Close() })
		srv.Stdout, srv.Stderr = log, log
		if id == 3 {
			config.Extra = append(config.Extra, "dataLogDir="+e.disk)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// log returns the file that a server logs to.
func (e *ensemble) log(i int) string { return filepath.Join(e.logs, fmt.Sprintf("server%d.log", i+1)) }

// addrs returns the addresses of the servers.
func (e *ensemble) addrs() []string {
	var all []string
	for i := range e.Servers {
		all = append(all, e.addr(i))
	}
	return all
}

func (e *ensemble) addr(i int) string { return fmt.Sprintf("127.0.0.1:%d", e.Servers[i].Port) }

// mode returns what a server says that it is, "" if it does not serve.
func (e *ensemble) mode(i int) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	answer, err := flw.Ask(ctx, e.addr(i), "srvr")
	if err != nil {
		return ""
	}
	srvr, _ := flw.ParseSrvr(answer) // an error is about another line
	return srvr.Mode
}

// member returns a server of that mode, and the first if there is none.
func (e *ensemble) member(mode string) int {
	for i := range e.Servers {
		if e.mode(i) == mode {
			return i
		}
	}
	return 0
}

// whole waits until all servers serve in one quorum. ZooKeeper 3.8.0 can come to a stand when followers join a leader again within its epoch, as after
// a freeze: they have lost some of what it has proposed ("Got zxid ... expected 0x1" in their logs), so that it waits for ever
// for what they acknowledge, and no server opens a session. Then all are started anew, and it is counted.
func (e *ensemble) whole() error {
	err := e.serve(45 * time.Second)
	if err == nil || isInterrupted() || !e.stand() {
		return err
	}
	e.stands++
	for i := range e.Servers {
		if err := e.Servers[i].Srv.Stop(); err != nil {
			return err
		}
	}
	for i := range e.Servers {
		if err := e.restart(i); err != nil {
			return err
		}
	}
	return e.serve(45 * time.Second)
}

// stand reports whether the servers are in one quorum, by what they say, whose leader has requests that do not end.
func (e *ensemble) stand() bool {
	leaders, followers := 0, 0
	for i := range e.Servers {
		switch e.mode(i) {
		case "leader":
			if e.outstanding(i) > 0 {
				leaders++
			}
		case "follower":
			followers++
		}
	}
	return leaders == 1 && followers == len(e.Servers)-1
}

// outstanding returns how many requests a server says that it has not answered.
func (e *ensemble) outstanding(i int) int64 {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	answer, err := flw.Ask(ctx, e.addr(i), "srvr")
	if err != nil {
		return 0
	}
	srvr, _ := flw.ParseSrvr(answer) // an error is about another line
	return srvr.Outstanding
}

// serve waits until all servers serve in one quorum. What they say about themselves is not enough: one that was frozen still
// takes itself for the leader.
func (e *ensemble) serve(patience time.Duration) error {
	return within(patience, func() error {
		modes := map[string]int{}
		for i := range e.Servers {
			modes[e.mode(i)]++
		}
		if modes["leader"] != 1 || modes["follower"] != len(e.Servers)-1 {
			return fmt.Errorf("servers: %v", modes)
		}
		for i := range e.Servers {
			if err := e.serves(i); err != nil {
				return fmt.Errorf("server %d: %w", i+1, err)
			}
		}
		return nil
	})
}

// serves opens a session at a server, which needs the leader, and ends it.
func (e *ensemble) serves(i int) error {
	conn, _, err := zk.Connect([]string{e.addr(i)}, sessionTimeout, zk.WithLogInfo(false), zk.WithLogger(silent{}))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, err = conn.WithContext(ctx).Sync(base)
	return err
}

// idle returns an error that names what the servers hold for clients.
func (e *ensemble) idle() error {
	leaders := 0
	var errs []error
	for i := range e.Servers {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		answer, err := flw.Ask(ctx, e.addr(i), "mntr")
		cancel()
		leads, held := heldForClients(answer)
		if leads {
			leaders++
		}
		if err == nil && len(held) > 0 {
			err = fmt.Errorf("holds %q", held)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("server %d: %w", i, err))
		}
	}
	if leaders != 1 {
		errs = append(errs, fmt.Errorf("%d servers lead", leaders))
	}
	return errors.Join(errs...)
}

// heldForClients returns what a server holds for clients, by its answer to mntr. Which sessions
// there are the leader says: one that no client keeps it lets expire. A follower counts what its
// log has, and 3.8.0 can log transactions twice.
func heldForClients(mntr string) (leads bool, held []string) {
	values := map[string]string{}
	for line := range strings.Lines(mntr) {
		if f := strings.Fields(line); len(f) == 2 {
			values[f[0]] = f[1]
		}
	}
	leads = values["zk_server_state"] == "leader"
	names := []string{"zk_watch_count", "zk_ephemerals_count"}
	if leads {
		names = append(names, "zk_global_sessions")
	}
	for _, name := range names {
		if values[name] != "0" {
			held = append(held, name+" "+values[name])
		}
	}
	return leads, held
}

func TestHeldForClients(t *testing.T) {
	for _, tt := range []struct {
		state                         string
		watches, ephemerals, sessions int
		want                          string
	}{
		{"leader", 0, 0, 0, ""},
		{"leader", 0, 0, 1, "zk_global_sessions 1"},
		{"leader", 2, 3, 0, "zk_watch_count 2, zk_ephemerals_count 3"},
		{"follower", 0, 0, 11, ""},
		{"follower", 1, 0, 0, "zk_watch_count 1"},
		{"follower", 0, 1, 0, "zk_ephemerals_count 1"},
	} {
		mntr := fmt.Sprintf("zk_version\t3.8.0, built on\nzk_server_state\t%s\nzk_watch_count\t%d\nzk_ephemerals_count\t%d\nzk_global_sessions\t%d\n",
			tt.state, tt.watches, tt.ephemerals, tt.sessions)
		leads, held := heldForClients(mntr)
		if got := strings.Join(held, ", "); got != tt.want || leads != (tt.state == "leader") {
			t.Errorf("%+v: %q, leads %v", tt, got, leads)
		}
	}
	if _, held := heldForClients(""); len(held) != 2 {
		t.Errorf("no answer: %q", held)
	}
}

// holder returns the contender that holds the lock, and its process if it holds it through a mount.
func (e *ensemble) holder() (name string, pid int) {
	conn, err := e.Connect(0)
	if err != nil {
		return "", 0
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	names, _, err := conn.WithContext(ctx).Children(lockName)
	queue := zk.LockQueue(names)
	if err != nil || len(queue) == 0 {
		return "", 0
	}
	name = queue[0].Name
	data, _, err := conn.WithContext(ctx).Get(lockName + "/" + name)
	if err != nil {
		return "", 0
	}
	var host string
	fmt.Sscan(string(data), &host, &pid) // a plain client says nothing about itself
	return name, pid
}

// restart starts a server that was killed, or has ended by itself.
func (e *ensemble) restart(i int) error {
	e.Servers[i].Srv.Stop() // an error says that it had ended
	return e.Servers[i].Srv.Start()
}

// fill leaves no space on the disk of the last server.
func (e *ensemble) fill() error {
	f, err := os.Create(filepath.Join(e.disk, "filler"))
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 1<<20)
	for n := len(block); n > 0; {
		if _, err := f.Write(block[:n]); err != nil {
			n /= 2
		}
	}
	return nil
}

// empty removes what the last server has stored, and what filled its disk. Its transaction logs are
// kept for the judge: what another server received in a snapshot, or while it joined, may be in no
// other log.
func (e *ensemble) empty() error {
	kept := filepath.Join(e.kept, strconv.Itoa(len(e.emptied)))
	if err := os.CopyFS(filepath.Join(kept, "version-2"), os.DirFS(filepath.Join(e.disk, "version-2"))); err != nil {
		return err
	}
	e.emptied = append(e.emptied, kept)
	for _, dir := range []string{e.disk, e.Servers[2].Path} {
		if err := os.RemoveAll(filepath.Join(dir, "version-2")); err != nil {
			return err
		}
	}
	return os.RemoveAll(filepath.Join(e.disk, "filler"))
}

// txnLogs returns the folders with the transaction logs, those from before the disk was emptied too.
func (e *ensemble) txnLogs() []string {
	return append([]string{e.Servers[0].Path, e.Servers[1].Path, e.disk}, e.emptied...)
}
