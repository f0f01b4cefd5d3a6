package fs

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/moby/sys/mountinfo"

	"github.com/zkfs/zkfs/internal/poke"
)

// mountOn returns how the kernel names what was mounted on point last. It does not touch the mount:
// only the way to the mount point is walked.
func mountOn(point string) (m poke.Mount, err error) {
	if target, err := os.Readlink(point); err == nil {
		if point = target; !filepath.IsAbs(target) {
			return m, fmt.Errorf("%s is a relative symbolic link", point)
		}
	}
	above, err := filepath.EvalSymlinks(filepath.Dir(point))
	if err != nil {
		return m, err
	}
	m.Point = filepath.Join(above, filepath.Base(point))
	others := func(i *mountinfo.Info) (skip, stop bool) { return i.Mountpoint != m.Point, false }
	found, err := mountinfo.GetMounts(others)
	if err != nil {
		return m, err
	}
	if len(found) == 0 {
		return m, fmt.Errorf("%s is no mount point", m.Point)
	}
	last := found[len(found)-1]
	m.ID, m.Major, m.Minor = uint64(last.ID), uint32(last.Major), uint32(last.Minor)
	return m, nil
}
