package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/internal/printable"
)

// listTimeout is how long a mount may take to tell its state. A mount asks its servers before.
const listTimeout = 10 * time.Second

func (z *command) listCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "list the mounts of this machine",
		UsageText: "zkfs list",
		Description: "Prints a line for each mount of zkfs: where, of what, its state, the version of its process, and " +
			"since when. A mount whose process is gone is dead. One that does not answer in time is listed too.",
		Action: z.list,
	}
}

func (z *command) list(c *cli.Context) error {
	if err := noNames(c); err != nil {
		return err
	}
	table, err := mountTable()
	if err != nil {
		return failf(exitMountpoint, "%s", plain(err))
	}
	ctx, cancel := context.WithTimeout(c.Context, listTimeout)
	defer cancel()
	lines, errs := make([]string, len(table)), make([]error, len(table))
	var wg sync.WaitGroup
	for i, m := range table {
		if m.isOurs() {
			wg.Go(func() { lines[i], errs[i] = listed(ctx, m.mount) }) // ends at the latest with ctx
		}
	}
	wg.Wait()
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MOUNTPOINT\tSOURCE\tSTATE\tVERSION\tSINCE")
	for _, line := range lines {
		fmt.Fprint(w, line)
	}
	w.Flush() // into memory
	_, err = z.out.Write(b.Bytes())
	return errors.Join(append(errs, err)...)
}

// listed returns the line of a mount. Another process asks: one that waits for an answer to what the
// process of the mount has read can not end before (fs/fuse/dev.c, request_wait_answer).
func listed(ctx context.Context, m mount) (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	cmd := exec.Command(exe)
	cmd.Args = []string{"zkfs", "status", "--json", "--timeout=" + listTimeout.String(), m.point}
	cmd.Env = append(os.Environ(), apartVariable+"="+abandoned)
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Start()
	w.Close()
	if err != nil {
		return "", err
	}
	defer cmd.Process.Kill() // fails if it has ended
	deadline, _ := ctx.Deadline()
	r.SetReadDeadline(deadline) // works for pipes
	out, err := io.ReadAll(r)
	if err == nil {
		cmd.Wait() // the output says more than the exit code
	}
	var s struct {
		Mount struct {
			State   string `json:"state"`
			Version string `json:"version"`
			Since   string `json:"mounted_since"`
		} `json:"mount"`
	}
	switch text := string(out); {
	case json.NewDecoder(bytes.NewReader(out)).Decode(&s) == nil:
	case err != nil || strings.Contains(text, errSilent.Error()):
		s.Mount.State = "does not answer"
	case strings.Contains(text, errGone.Error()):
		s.Mount.State = "dead"
	default:
		text, _, _ = strings.Cut(text, "\n")
		s.Mount.State = strings.TrimPrefix(text, "zkfs: "+m.point+": ")
	}
	line := ""
	for _, field := range []string{m.point, m.source, s.Mount.State, s.Mount.Version, s.Mount.Since} {
		line += printable.Line(cmp.Or(field, "-")) + "\t"
	}
	return strings.TrimSuffix(line, "\t") + "\n", nil
}
