package integration

import (
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"testing"
)

// A mount in the background logs to the socket of syslog(3) or journald, in their form (RFC 3164 without a host): the priority is
// facility daemon, 3, times 8, and the severity: informational for the mount, an error for its end by somebody else. The socket is the test's own, in a mount namespace.
func TestLogOfTheSystem(t *testing.T) {
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "log")
	daemon, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer daemon.Close()
	source := addr(shared.Servers[0]) + newRoot(t)
	const script = `set -e
mkdir dev m
mount -t tmpfs none dev
mknod -m 666 dev/fuse c 10 229
mknod -m 666 dev/null c 1 3
touch dev/log
mount --bind log dev/log
mount --rbind dev /dev
"$0" mount "$1" m
pid=$(sed -n 's/^process *//p' m/.status)
(cd m && umount -f "$OLDPWD/m") || true
until ! kill -0 $pid 2>/dev/null; do sleep 0.05; done
`
	command(t, dir, "unshare", "-m", "bash", "-c", script, path, source)
	line := regexp.MustCompile(`^<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d zkfs\[\d+\]: msg=\S`)
	mounted := regexp.MustCompile(fmt.Sprintf(`^<30>.*: msg=mounted mount=%s/m source=%s\n$`, regexp.QuoteMeta(dir), regexp.QuoteMeta(source)))
	priorities, found := map[string]int{}, false
	const end = "all has been sent"
	log, err := net.Dial("unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := log.Write([]byte(end)); err != nil {
		t.Fatal(err)
	}
	for buf := make([]byte, 64<<10); ; {
		n, err := daemon.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if string(buf[:n]) == end {
			break
		}
		m := line.FindSubmatch(buf[:n])
		if m == nil {
			t.Fatalf("logged %q", buf[:n])
		}
		priorities[string(m[1])]++
		found = found || mounted.Match(buf[:n])
	}
	if !found || priorities["30"] != 1 || priorities["27"] == 0 {
		t.Errorf("logged by priority: %v, the mount: %v", priorities, found)
	}
}
