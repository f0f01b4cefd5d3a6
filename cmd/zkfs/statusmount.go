package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/zk"
)

// mountNamed returns the mount on the directory that a user names. A word that is no path names none, unless
// something of zkfs is mounted on it in the working directory.
func mountNamed(name string) (mount, error) {
	isPath := filepath.IsAbs(name) || strings.HasPrefix(name, ".")
	dir, err := absolute(name)
	switch {
	case err != nil && !isPath: // the working directory was deleted
		return mount{}, nil
	case err != nil:
		return mount{}, err
	}
	found, err := mountAt(dir)
	if err != nil {
		return mount{}, failf(exitMountpoint, "%s", plain(err))
	}
	if isPath && !found.isOurs() {
		return mount{}, failf(exitMountpoint, "%s: nothing of zkfs is mounted there", name).
			hinting("`zkfs list` shows what is")
	}
	return found, nil
}

// rootMount returns the mount of the root of what m shows, which is m itself unless that is a bind
// mount of a part.
func rootMount(table []mountLine, m mount) (mount, error) {
	for _, line := range table {
		if line.device == m.device && line.root == "/" && findMount(table, line.point).device == m.device {
			return line.mount, nil
		}
	}
	return mount{}, failf(exitMountpoint, "%s: a part of a mount with a root that is mounted nowhere", m.point)
}

// mountStatus is what a mount tells of itself in the first part of its /.status, by the names that it has there.
type mountStatus struct {
	text    string
	fields  map[string]string
	servers []serverStatus // of the other parts
}

// count is a number with the name of what is counted.
var count = regexp.MustCompile(`^(\d+) (\S+)$`)

// MarshalJSON makes an object of the names and values, with underscores for the spaces in names.
// Numbers are numbers, each in a field of its own. Lines below a number are a list.
func (m *mountStatus) MarshalJSON() ([]byte, error) {
	fields := map[string]any{}
	for name, value := range m.fields {
		value, below, more := strings.Cut(value, "\n")
		if more {
			fields[name+"_lines"] = strings.Split(below, "\n")
		}
		if d, err := time.ParseDuration(value); err == nil && name == "timeout" {
			fields[name+"_seconds"] = d.Seconds()
			continue
		}
		if _, err := strconv.ParseUint(value, 10, 64); err == nil {
			fields[name] = json.Number(value)
			continue
		}
		parts := strings.Split(value, ", ")
		if !count.MatchString(parts[len(parts)-1]) {
			parts = []string{value}
		}
		for _, part := range parts {
			if n := count.FindStringSubmatch(part); n != nil {
				fields[name+"_"+strings.ReplaceAll(n[2], "-", "_")] = json.Number(n[1])
			} else {
				fields[name] = part
			}
		}
	}
	return json.Marshal(fields)
}

// failure is nil if a server serves the session of the mount.
func (m *mountStatus) failure(source string) error {
	switch state := m.fields["state"]; state {
	case zk.StateHasSession.String(), zk.StateConnectedReadOnly.String():
		return nil
	case zk.StateAuthFailed.String():
		return failf(exitAuth, "%s: the servers refuse the credentials of the mount: %s", source, state).
			hinting("mount again with others: " + authHint)
	default:
		return failf(exitConnect, "%s: no server serves the mount: %s", source, state)
	}
}

// Why a mount has no status.
var (
	errGone   = errors.New("the process of the mount is gone")
	errSilent = errors.New("the mount does not answer")
)

const silentHint = "`kill -QUIT` makes its process log what it waits for, and ends it"

// statusOfMount reads it. A mount that hangs does not answer.
func statusOfMount(ctx context.Context, m mount) (*mountStatus, error) {
	table, err := mountTable()
	if err != nil {
		return nil, failf(exitMountpoint, "%s", plain(err))
	}
	root, err := rootMount(table, m)
	if err != nil {
		return nil, err
	}
	point := root.point
	if root.isGone() {
		return nil, failf(exitLost, "%s: %w", point, errGone).
			hinting("zkfs umount " + point + ", or mount again with --remount-dead")
	}
	type result struct {
		text []byte
		err  error
	}
	read := make(chan result, 1)
	root.owner.as(func() { // ends when the mount answers, at the latest with this process
		text, err := os.ReadFile(filepath.Join(point, ".status"))
		read <- result{text, err}
	})
	select {
	case r := <-read:
		if r.err != nil {
			return nil, failf(exitLost, "%s: %w", point, errors.Unwrap(r.err))
		}
		return parseMountStatus(string(r.text)), nil
	case <-ctx.Done():
		return nil, failf(exitLost, "%s: %w", point, errSilent).
			hinting(silentHint)
	}
}

// mountLabel is the width of the column of names in /.status.
const mountLabel = 16

// parseMountStatus reads the lines up to the first empty one. What has no name belongs to the line before.
func parseMountStatus(text string) *mountStatus {
	text, words, _ := strings.Cut(text, "\n\n")
	m := &mountStatus{servers: serversOf(words), text: strings.TrimRight(text, "\n") + "\n", fields: map[string]string{}}
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

// heading is the line above what a server says in /.status.
var heading = regexp.MustCompile(`(?m)^==> (\S+)( srvr)? <==\n`)

// serversOf reads what the mount has heard from its servers, by the way that it goes to them.
func serversOf(words string) (all []serverStatus) {
	for _, at := range heading.FindAllStringSubmatchIndex(words, -1) {
		text, _, _ := strings.Cut(words[at[1]:], "\n==> ")
		status := flw.Status{Server: words[at[2]:at[3]]}
		line := strings.TrimSpace(text)
		switch reason, failed := strings.CutPrefix(line, "error: "); {
		case failed:
			status.Err = errors.New(reason)
		case strings.HasPrefix(line, "srvr is not executed"):
			status.Err = &flw.RefusedError{Word: "srvr", Text: line}
		case strings.HasSuffix(line, "not currently serving requests"):
			status.Err = flw.ErrNotServing
		default:
			status.Srvr, status.Err = flw.ParseSrvr(text)
		}
		all = append(all, statusOfServer(status))
	}
	return all
}
