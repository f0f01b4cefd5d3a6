package integration

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

var mirrorReads = flag.Int("mirror.reads", 2000, "how often TestMirrorIsOneState reads")

const (
	// mirrorFiles is how many znodes each transaction sets.
	mirrorFiles = 5
	// mirrorKill is how many states are seen between two SIGKILLs, at most.
	mirrorKill = 4
	// mirrorStates is how many reads there are for one state that must be seen.
	mirrorStates = 400
)

// While another client sets five znodes in each of 200 transactions a second, and the mirror gets
// SIGKILL now and then and is started again, what a reader opens by ..data is of one transaction.
func TestMirrorIsOneState(t *testing.T) {
	t.Parallel()
	server, root := addr(shared.Servers[0]), newRoot(t)
	c := connect(t, []string{server}, zk.WithChroot(root))
	var ops []any
	for i := range mirrorFiles {
		ops = append(ops, &zk.CreateRequest{Path: fmt.Sprintf("/f%d", i), Data: []byte("0"),
			Acl: zk.WorldACL(zk.PermAll)})
	}
	if _, err := c.Multi(ops...); err != nil {
		t.Fatal(err)
	}
	stop, last := make(chan struct{}), 0
	var writer sync.WaitGroup
	writer.Go(func() { last = setMirrored(t, c, stop) }) // ends with stop
	dir := filepath.Join(t.TempDir(), "mirror")
	m := startMirror(t, server+root, dir)
	eventually(t, func() error { _, err := os.Stat(filepath.Join(dir, "..data")); return err })

	seen := map[string]bool{}
	reads, gone, kills := 0, 0, 0
	for next := 1 + rand.IntN(mirrorKill); reads < *mirrorReads || len(seen) < *mirrorReads/mirrorStates; {
		value, err := readMirrored(dir)
		if errors.Is(err, fs.ErrNotExist) && gone < reads+1000 { // two switches came between
			gone++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		reads++
		if seen[value] = true; len(seen) < next {
			continue
		}
		next, kills = len(seen)+1+rand.IntN(mirrorKill), kills+1
		if err := m.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		m.Wait() // says that it was killed
		if _, err := readMirrored(dir); err != nil {
			t.Fatal(err)
		}
		m = startMirror(t, server+root, dir)
	}
	close(stop)
	writer.Wait()
	eventually(t, func() error {
		if value, err := readMirrored(dir); err != nil || value != strconv.Itoa(last) {
			return fmt.Errorf("the mirror has %q, error %v, want %d", value, err, last)
		}
		return nil
	})
	if err := errors.Join(m.Process.Signal(syscall.SIGTERM), m.Wait()); err != nil {
		t.Error(err)
	}
	t.Logf("%d reads saw %d of %d states, %d were too slow for two switches, %d kills", reads,
		len(seen), last, gone, kills)
	if kills == 0 {
		t.Error("the mirror was not killed")
	}
}

func startMirror(t *testing.T, source, dir string) *exec.Cmd {
	t.Helper()
	path, err := zkfs()
	if err != nil {
		t.Fatal(err)
	}
	m := exec.Command(path, "mirror", source, dir)
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if m.ProcessState == nil {
			m.Process.Kill() // fails if it has ended
			m.Wait()
		}
	})
	return m
}

// setMirrored sets the znodes until stop, and returns what they have at the end.
func setMirrored(t *testing.T, c *zk.Conn, stop chan struct{}) int {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-stop:
			return n - 1
		case <-tick.C:
		}
		var ops []any
		for i := range mirrorFiles {
			ops = append(ops, &zk.SetDataRequest{Path: fmt.Sprintf("/f%d", i),
				Data: []byte(strconv.Itoa(n)), Version: -1})
		}
		if _, err := c.Multi(ops...); err != nil {
			t.Error(err)
			return n - 1
		}
	}
}

// readMirrored opens ..data once, and returns what all its files have.
func readMirrored(dir string) (string, error) {
	tree, err := os.OpenRoot(filepath.Join(dir, "..data"))
	if err != nil {
		return "", err
	}
	defer tree.Close()
	first := ""
	for i := range mirrorFiles {
		data, err := tree.ReadFile(fmt.Sprintf("f%d", i))
		if err != nil {
			return "", err
		}
		if i == 0 {
			first = string(data)
		}
		if string(data) != first {
			return "", fmt.Errorf("f0 has %q, f%d has %q", first, i, data)
		}
	}
	return first, nil
}
