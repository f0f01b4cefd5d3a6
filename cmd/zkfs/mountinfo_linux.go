package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
)

// mountTable returns what is mounted, the lowest first.
func mountTable() ([]mountLine, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseMounts(f)
}

// parseMounts reads a mountinfo (proc(5)). The kernel escapes the space, tab, newline, backslash
// and, in sources, "#": any other space of Unicode is part of a name.
func parseMounts(text io.Reader) ([]mountLine, error) {
	table, err := mountinfo.GetMountsFromReader(text, nil)
	if err != nil {
		return nil, fmt.Errorf("mountinfo: %w", err)
	}
	var all []mountLine
	for _, m := range table {
		device := fmt.Sprintf("%d:%d", m.Major, m.Minor)
		all = append(all, mountLine{mount{m.Mountpoint, m.Source, m.FSType, device, ownerOf(m.VFSOptions)}, m.Root})
	}
	return all, nil
}

// ownerOf reads the options of a mount of FUSE.
func ownerOf(options string) (o owner) {
	for option := range strings.SplitSeq(options, ",") {
		name, value, _ := strings.Cut(option, "=")
		id, _ := strconv.ParseUint(value, 10, 32) // the kernel writes numbers
		switch name {
		case "user_id":
			o.uid = uint32(id)
		case "group_id":
			o.gid = uint32(id)
		case "allow_other":
			return owner{}
		}
	}
	return o
}
