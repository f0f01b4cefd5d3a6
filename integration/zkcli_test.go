package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
	nodes "github.com/zkfs/zkfs/zk/znode"
)

// A zkcliRow is a row of docs/zkcli.md. A cell without a command in it is text.
type zkcliRow struct {
	cli   string
	shell [2]string // on a mount, without a mount
}

// zkcliRows reads the table.
func zkcliRows(t *testing.T) (rows []zkcliRow) {
	t.Helper()
	text, err := os.ReadFile("../docs/zkcli.md")
	if err != nil {
		t.Fatal(err)
	}
	command := func(cell string) string {
		code := strings.TrimSuffix(strings.TrimPrefix(cell, "`"), "`")
		if len(code) != len(cell)-2 || strings.Contains(code, "`") {
			return ""
		}
		return strings.ReplaceAll(code, `\|`, "|")
	}
	for line := range strings.Lines(string(text)) {
		cells := regexp.MustCompile(` \| `).Split(strings.Trim(strings.TrimSpace(line), "| "), -1)
		if strings.HasPrefix(line, "| `") && len(cells) == 3 {
			shell := [2]string{command(cells[1]), command(cells[2])}
			rows = append(rows, zkcliRow{command(cells[0]), shell})
		}
	}
	return rows
}

// A zkcli is a running zkCli, the output of which comes as one.
type zkcli struct {
	t     *testing.T
	in    io.Writer
	lines *bufio.Scanner
	marks int
}

// startZKCli starts the zkCli of Debian's package, connected to the server.
func startZKCli(t *testing.T, server string) *zkcli {
	t.Helper()
	var jars []string
	for _, jar := range []string{"zookeeper.jar", "slf4j-nop.jar", "commons-cli.jar"} {
		jars = append(jars, filepath.Join(debianJars, jar))
	}
	cmd := exec.Command("java", "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp",
		strings.Join(jars, ":"),
		"org.apache.zookeeper.ZooKeeperMain", "-server", server)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		in.Close() // the end of its input ends it
		cmd.Wait()
		r.Close()
	})
	return &zkcli{t: t, in: in, lines: bufio.NewScanner(r)}
}

// run runs a command and returns what is printed until it is done.
func (z *zkcli) run(command string) string {
	z.t.Helper()
	z.marks++
	mark := fmt.Sprintf("/mark-%d", z.marks) // of which zkCli says that it does not exist
	fmt.Fprintf(z.in, "%s\nstat %s\n", command, mark)
	var out strings.Builder
	for z.lines.Scan() {
		if strings.Contains(z.lines.Text(), mark) {
			return out.String()
		}
		out.WriteString(z.lines.Text() + "\n")
	}
	z.t.Fatalf("zkCli ended in %s:\n%s", command, out.String())
	return ""
}

// awaits returns when zkCli has printed the text.
func (z *zkcli) awaits(text string) {
	z.t.Helper()
	for z.lines.Scan() {
		if strings.Contains(z.lines.Text(), text) {
			return
		}
	}
	z.t.Fatalf("zkCli ended, and did not print %s", text)
}

// zkcliFacts are what both sides of a row print, by the beginning of zkCli's command. A row that is
// not here leaves another tree than it has found.
var zkcliFacts = map[string][]string{
	"whoami":               {`127\.0\.0\.1`},
	"version":              {`(?i)version|zkfs`},
	"ls /app":              {`\ba\b`, `\bd\b`},
	"ls -R":                {`/a\n`, `/d\n`, `/d/b\n`},
	"ls -s":                {`(?i)numChildren ?= ?2\b`},
	"stat":                 {`(?i)version ?= ?0\b`, `dataLength ?= ?5\b`},
	"get /app/a":           {`^hello\n?$`},
	"get -s":               {`^hello`, `dataLength ?= ?5\b`},
	"getAllChildrenNumber": {`(?m)^3$`},
	"create -s":            {`/job-\d{10}`},
	"create -e":            {`/e\n`},
	"getAcl":               {`world[:',]+anyone\s*: ?cdrwa`},
	"getEphemerals":        {`/e\b`},
	"listquota":            {`\b5\b`},
	"reconfig":             {`(?i)unimplemented|not have this operation`},
	"connect":              nil,
	"addauth digest":       nil,
	"sync":                 nil,
	"config":               nil,
	"history":              nil,
	"redo":                 nil,
	"removewatches":        nil,
	"printwatches":         nil,
	"close":                nil,
	"quit":                 nil,
}

// zkcliEvents are what both sides of a row print when the znode changes.
var zkcliEvents = map[string][2]string{
	"addWatch": {"type:NodeCreated", " created "},
	"get -w":   {"type:NodeDataChanged", " changed "},
}

// factOf returns the value for a command.
func factOf[T any](facts map[string]T, command string) (value T, ok bool) {
	for begin, value := range facts {
		if strings.HasPrefix(command, begin) {
			return value, true
		}
	}
	return value, false
}

// The znodes on which zkCli, the mount and the commands work. They are alike before each row.
var zkcliRoots = [3]string{"/zkcli-cli", "/zkcli-mnt", "/zkcli-cmd"}

// zkcliTest is the test of the table.
type zkcliTest struct {
	*testing.T
	conn   *zk.Conn
	cli    *zkcli
	server string
	point  string // where the mount is
	path   string // of the commands
}

// Each row of the table says what zkCli does.
func TestFromZKCliToTheShell(t *testing.T) {
	t.Parallel()
	command, err := plainZkfs()
	if err != nil {
		t.Fatal(err)
	}
	server := addr(shared.Servers[0])
	z := &zkcliTest{
		T: t, server: server, conn: connect(t, []string{server}), cli: startZKCli(t, server),
		point: filepath.Join(t.TempDir(), "m"), path: filepath.Dir(command),
	}
	if err := os.Mkdir(z.point, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if isMounted(z.point) {
			t.Error("still mounted")
			exec.Command("umount", "-l", z.point).Run()
		}
		z.clear()
	})
	rows := zkcliRows(t)
	var commands []string
	for _, found := range regexp.MustCompile(`(?m)^\t(\w+)`).FindAllStringSubmatch(z.cli.run("help"), -1) {
		commands = append(commands, found[1])
	}
	if len(commands) < 25 {
		t.Errorf("zkCli has the commands %q only", commands)
	}
	for _, name := range commands {
		if !slices.ContainsFunc(rows, func(r zkcliRow) bool { return strings.Fields(r.cli)[0] == name }) {
			t.Errorf("docs/zkcli.md has no row for %s", name)
		}
	}
	for _, row := range rows {
		z.row(row)
	}
}

// clear deletes what a row leaves.
func (z *zkcliTest) clear() {
	for _, root := range zkcliRoots {
		for _, path := range []string{root, "/zookeeper/quota" + root} {
			if err := nodes.DeleteAll(context.Background(), z.conn, path); err != nil {
				z.Errorf("%s: %v", path, err)
			}
		}
	}
}

// reset makes the trees as they are before each row.
func (z *zkcliTest) reset(row zkcliRow) {
	z.clear()
	for i, root := range zkcliRoots {
		for _, node := range [][2]string{{"", "x"}, {"/a", "hello"}, {"/d", ""}, {"/d/b", "deep"}} {
			if _, err := z.conn.Create(root+node[0], []byte(node[1]), 0, openACL); err != nil {
				z.Fatal(err)
			}
		}
		if i == 1 && isMounted(z.point) {
			z.seen()
		}
		switch name := strings.Fields(row.cli)[0]; {
		case name == "listquota" || name == "delquota":
			z.shell("zkfs quota set -n 5 "+root, true)
		case name == "getEphemerals" && i == 0:
			z.cli.run("create -e " + root + "/e x")
		case name == "getEphemerals":
			if _, err := z.conn.Create(root+"/e", []byte("x"), zk.FlagEphemeral, openACL); err != nil {
				z.Fatal(err)
			}
		}
	}
}

// seen waits until the mount has heard that its tree was deleted and made again.
func (z *zkcliTest) seen() {
	eventually(z.T, func() error {
		out, err := exec.Command("find", z.point+zkcliRoots[1]).CombinedOutput()
		if err == nil && !strings.Contains(string(out), "/d/b") {
			err = errors.New("the tree is not whole")
		}
		return err
	})
}

// row does both sides of a row and compares them.
func (z *zkcliTest) row(row zkcliRow) {
	z.reset(row)
	before := z.tree(zkcliRoots[0])
	if events, ok := factOf(zkcliEvents, row.cli); ok {
		z.watches(row, events)
		return
	}
	outputs := [3]string{z.zkCli(row.cli)}
	for i, cell := range row.shell {
		output, stop := z.shell(z.at(cell, i+1), i == 1)
		outputs[i+1] = output
		defer stop()
	}
	facts, ok := factOf(zkcliFacts, row.cli)
	trees := [3]string{}
	for i, root := range zkcliRoots {
		trees[i] = z.tree(root)
		if i > 0 && row.shell[i-1] == "" {
			continue
		}
		for _, fact := range facts {
			if !regexp.MustCompile(fact).MatchString(outputs[i]) {
				z.Errorf("%+v: %s does not print %s:\n%s", row, root, fact, outputs[i])
			}
		}
		if trees[i] != trees[0] {
			z.Errorf("%+v:\nzkCli leaves\n%s\n%s "+
				"is\n%s\n%s", row, trees[0], root, trees[i], outputs[i])
		}
	}
	if !ok && trees[0] == before {
		z.Errorf("%+v: nothing has changed: %s", row, outputs[0])
	}
}

// at puts the places of this test into a cell.
func (z *zkcliTest) at(cell string, side int) string {
	for _, r := range [][2]string{{"/mnt/zk", z.point}, {"zk1", z.server}} {
		cell = strings.ReplaceAll(cell, r[0], r[1])
	}
	return regexp.MustCompile(`/app\b`).ReplaceAllString(cell, zkcliRoots[side])
}

// zkCli does a command in zkCli.
func (z *zkcliTest) zkCli(cell string) string {
	switch cell {
	case "close": // after which there is nothing but connect
		return z.cli.run("close\nconnect " + z.server)
	case "quit":
		fmt.Fprintln(z.cli.in, cell)
		for z.cli.lines.Scan() {
		}
		return ""
	}
	return z.cli.run(z.at(cell, 0))
}

// shell does a command in a shell and returns what it prints. stop ends one that goes on.
func (z *zkcliTest) shell(cell string, withoutMount bool) (output string, stop func()) {
	z.Helper()
	if cell == "" {
		return "", func() {}
	}
	cmd := z.command(cell, withoutMount)
	if !strings.HasSuffix(cell, "&") {
		out, err := cmd.CombinedOutput()
		if err != nil && !strings.Contains(cell, "reconfig "+
			"--remove") { // a server alone refuses that
			z.Errorf("$ %s\n%s%v", cell, out, err)
		}
		return string(out), func() {}
	}
	cmd.Args[2] += " wait"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		z.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		z.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n') // the znode is there
	if err != nil {
		z.Errorf("$ %s: %v", cell, err)
	}
	return line, func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		cmd.Wait()
	}
}

func (z *zkcliTest) command(cell string, withoutMount bool) *exec.Cmd {
	cmd := exec.Command("bash", "-c", cell)
	cmd.Env = append(os.Environ(), "PATH="+z.path+":"+os.Getenv("PATH"), "LC_ALL=C")
	if withoutMount {
		cmd.Env = append(cmd.Env, "ZKFS_SERVER="+z.server)
	}
	return cmd
}

// watches changes what both sides of a row watch.
func (z *zkcliTest) watches(row zkcliRow, events [2]string) {
	change := func(root string) {
		z.Helper()
		_, err := z.conn.Create(root+"/new", nil, 0, openACL)
		if err == nil {
			_, err = z.conn.Set(root+"/a", []byte("new"), -1)
		}
		if err != nil {
			z.Error(err)
		}
	}
	z.cli.run(z.at(row.cli, 0))
	change(zkcliRoots[0])
	z.cli.awaits(events[0])
	for i, cell := range row.shell {
		r, w, err := os.Pipe()
		if err != nil {
			z.Fatal(err)
		}
		cmd := z.command("exec "+z.at(cell, i+1), i == 1)
		cmd.Stdout, cmd.Stderr = w, w
		if err := cmd.Start(); err != nil {
			z.Fatal(err)
		}
		w.Close()
		lines := bufio.NewScanner(r)
		for lines.Scan() && !strings.Contains(lines.Text(), "watching") {
		}
		change(zkcliRoots[i+1])
		for lines.Scan() && !strings.Contains(lines.Text(), events[1]) {
		}
		if !strings.Contains(lines.Text(), events[1]) {
			z.Errorf("$ %s: ended with %q", cell, lines.Text())
		}
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		r.Close()
	}
}

// tree is the tree at root as text: paths from root, data, ACLs, what is ephemeral, and the limits
// of the quota.
func (z *zkcliTest) tree(root string) string {
	z.Helper()
	tree := map[string]string{}
	for n, err := range nodes.Walk(z.Context(), z.conn, root) {
		if err != nil {
			z.Fatal(err)
		}
		acl, st, err := z.conn.GetACL(n.Path)
		if err != nil {
			z.Fatal(err)
		}
		data := "(hidden)"
		if acl[0].Perms&zk.PermRead != 0 {
			found, _, err := z.conn.Get(n.Path)
			if err != nil {
				z.Fatal(err)
			}
			data = string(found)
		}
		path := strings.TrimPrefix(n.Path, root)
		tree[path] = fmt.Sprintf("%q %s %v", data, xattr.FormatACL(acl), st.EphemeralOwner != 0)
	}
	quota, _, err := z.conn.Get("/zookeeper/quota" + root + "/zookeeper_limits")
	if err == nil && string(quota) != "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=-1" {
		tree["quota"] = string(quota)
	}
	var text strings.Builder
	for _, path := range slices.Sorted(maps.Keys(tree)) {
		fmt.Fprintf(&text, "%s: %s\n", path, tree[path])
	}
	return text.String()
}
