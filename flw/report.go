package flw

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// reportWords are the words of a report, the ones that say most about a server first.
var reportWords = []string{"ruok", "srvr", "mntr", "cons"}

// maxSection bounds what a report holds of a reply, which is some 7,000 connections: a mount writes
// one each time that its /.status is opened, with several servers, and any of them may be hostile.
const maxSection = 1 << 20

// Report is [Client.Report] over plain TCP.
func Report(ctx context.Context, w io.Writer, servers []string) error {
	return new(Client).Report(ctx, w, servers)
}

// Report asks every server for ruok, srvr, mntr and cons, all at the same time, and writes what they print under a
// heading for each server and word. A server's refusal stands there word for word, any other failure as a line
// that begins with "error:"; a server that cannot be reached has one heading and one such line. A
// reply is cut off at a megabyte, with [ErrTooLarge] as its error.
//
// The answers are in when ctx ends, after [DefaultTimeout] if ctx has no deadline. The error is w's.
func (c *Client) Report(ctx context.Context, w io.Writer, servers []string) error {
	replies := make([][]Reply, len(reportWords))
	var wg sync.WaitGroup
	for i, word := range reportWords {
		wg.Go(func() { replies[i] = c.askAll(ctx, servers, word, maxSection) }) // ends with askAll, at the latest with ctx
	}
	wg.Wait()

	var b strings.Builder
	for s, server := range servers {
		if err := unreachable(replies, s); err != nil {
			section(&b, server, Reply{Err: err})
			continue
		}
		for i, word := range reportWords {
			section(&b, server+" "+word, replies[i][s])
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// unreachable returns the error of a server that failed every word in the same way without a
// byte of text, else nil.
func unreachable(replies [][]Reply, server int) error {
	first := replies[0][server].Err
	for _, r := range replies {
		if r := r[server]; r.Err == nil || r.Text != "" || r.Err.Error() != first.Error() {
			return nil
		}
	}
	return first
}

// section writes a reply under its heading.
func section(b *strings.Builder, heading string, r Reply) {
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	fmt.Fprintf(b, "==> %s <==\n", heading)
	if text := strings.TrimRight(r.Text, "\n"); text != "" {
		b.WriteString(text + "\n")
	}
	var refused *RefusedError
	if r.Err != nil && !errors.As(r.Err, &refused) && !errors.Is(r.Err, ErrNotServing) {
		fmt.Fprintf(b, "error: %v\n", r.Err)
	}
}
