package integration

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
)

// mountsBelow returns an error that names the mounts whose mount points are dir or lie below it.
func mountsBelow(dir string) error {
	found, err := mountinfo.GetMounts(mountinfo.PrefixFilter(dir))
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range found {
		errs = append(errs, fmt.Errorf("still mounted: %q (%s)", m.Mountpoint, m.FSType))
	}
	return errors.Join(errs...)
}

// children returns an error that names the child processes of this one, those too that nobody has waited for.
func children() error {
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return err
	}
	var errs []error
	for _, list := range lists {
		pids, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, pid := range strings.Fields(string(pids)) {
			command, _ := os.ReadFile("/proc/" + pid + "/cmdline")
			command = bytes.TrimRight(bytes.ReplaceAll(command, []byte{0}, []byte{' '}), " ")
			errs = append(errs, fmt.Errorf("still running: %s %s", pid, command))
		}
	}
	return errors.Join(errs...)
}

// leftovers removes the empty folder dir, and returns an error that names what is in it. It does not
// touch what it finds: below a mount that was left lie znodes.
func leftovers(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		errs = append(errs, fmt.Errorf("left behind: %s", filepath.Join(dir, e.Name())))
	}
	if len(errs) == 0 {
		return os.Remove(dir)
	}
	return errors.Join(errs...)
}
