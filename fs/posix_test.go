package fs

import (
	"os"
	"os/exec"
	"sort"
	"testing"

	"github.com/hanwen/go-fuse/v2/posixtest"
)

// posixMount names the mount for the child process in which go-fuse's own tests run.
const posixMount = "ZKFS_TEST_POSIX_MOUNT"

// notApplicable are the tests of go-fuse that ask for what znodes do not have, with the reason.
var notApplicable = map[string]string{
	"Link":                "no links",
	"LinkUnlinkRename":    "no links",
	"SymlinkReadlink":     "no symbolic links",
	"SetattrSymlink":      "no symbolic links",
	"OpenSymlinkRace":     "no symbolic links",
	"Fallocate":           "no space is reserved",
	"FallocateKeepSize":   "no space is reserved",
	"FcntlFlockLocksFile": "asks fcntl locks to exclude flock locks of the same file, which Linux does not",
	"FileBasic":           "the mode is that of the mount",
	"XAttr":               "attributes are those of the znode, not of users",
}

// notRun are those that pass or fail, depending on who is faster.
var notRun = map[string]string{
	"FstatDeleted": "the time of an empty file becomes the server's when its last descriptor is gone, which no close(2) waits for. TestRules compares files with data",
}

// TestPosix runs go-fuse's tests for file systems on a mount, in a child process. A test of the table above that passes is an error.
func TestPosix(t *testing.T) {
	if dir := os.Getenv(posixMount); dir != "" {
		runPosix(t, dir)
		return
	}
	w := newWorld(t, Options{})
	var names []string
	for name := range posixtest.All {
		if notRun[name] == "" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			w.want("ok", "mkdir", name)
			cmd := exec.Command(os.Args[0], "-test.run=^TestPosix$/^"+name+"$", "-test.timeout="+agentPatience.String())
			cmd.Env = append(os.Environ(), posixMount+"="+w.dir, "GORACE=atexit_sleep_ms=0")
			out, err := cmd.CombinedOutput()
			reason := notApplicable[name]
			switch {
			case err == nil && reason != "":
				t.Errorf("passes, but stands in the table: %s", reason)
			case err != nil && reason == "":
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func runPosix(t *testing.T, dir string) {
	for name, test := range posixtest.All {
		t.Run(name, func(t *testing.T) { test(t, dir+"/"+name) })
	}
}
