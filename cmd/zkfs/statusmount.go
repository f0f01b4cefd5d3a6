package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// mountNamed returns the mount on the directory that a user names. A word that is no path names none, unless
// something of zkfs is mounted on it in the working directory.
func mountNamed(name string) (mount, error) {
	dir, err := absolute(name)
	if err != nil {
		return mount{}, err
	}
	found, err := mountAt(dir)
	if err != nil {
		return mount{}, failf(exitMountpoint, "%s", plain(err))
	}
	if isPath := filepath.IsAbs(name) || strings.HasPrefix(name, "."); isPath && !found.isOurs() {
		return mount{}, failf(exitMountpoint, "%s: nothing of zkfs is mounted there", name).hinting("`findmnt -t " + fsType + "` lists what is")
	}
	return found, nil
}

// mountStatus is what a mount tells of itself in the first part of its /.status, by the names that it has there.
type mountStatus struct {
	text   string
	fields map[string]string
}

// MarshalJSON makes an object of the names and values, with underscores for the spaces in names. Counts are numbers.
func (m *mountStatus) MarshalJSON() ([]byte, error) {
	fields := map[string]any{}
	for name, value := range m.fields {
		fields[name] = value
		if _, err := strconv.ParseUint(value, 10, 64); err == nil {
			fields[name] = json.Number(value)
		}
	}
	return json.Marshal(fields)
}

// statusOfMount reads it. A mount that hangs does not answer.
func statusOfMount(ctx context.Context, point string) (*mountStatus, error) {
	if isDeadMount(point) {
		return nil, failf(exitLost, "%s: the process of the mount is gone", point).hinting("zkfs umount " + point + ", or mount again with --remount-dead")
	}
	type result struct {
		text []byte
		err  error
	}
	read := make(chan result, 1)
	go func() { // ends when the mount answers, at the latest with this process
		text, err := os.ReadFile(filepath.Join(point, ".status"))
		read <- result{text, err}
	}()
	select {
	case r := <-read:
		if r.err != nil {
			return nil, failf(exitLost, "%s", plain(r.err))
		}
		return parseMountStatus(string(r.text)), nil
	case <-ctx.Done():
		return nil, failf(exitLost, "%s: the mount does not answer", point).hinting("`kill -QUIT` makes its process show what it waits for, and ends it")
	}
}

// mountLabel is the width of the column of names in /.status.
const mountLabel = 16

// parseMountStatus reads the lines up to the first empty one. What has no name belongs to the line before.
func parseMountStatus(text string) *mountStatus {
	text, _, _ = strings.Cut(text, "\n\n")
	m := &mountStatus{text: strings.TrimRight(text, "\n") + "\n", fields: map[string]string{}}
	last := ""
	for line := range strings.Lines(m.text) {
		line = strings.TrimRight(line, "\n")
		name, value := line, ""
		if len(line) > mountLabel {
			name, value = line[:mountLabel], line[mountLabel+1:]
		}
		if name = strings.ReplaceAll(strings.TrimSpace(name), " ", "_"); name != "" {
			last = name
			m.fields[name] = value
		} else {
			m.fields[last] += "\n" + value
		}
	}
	return m
}
