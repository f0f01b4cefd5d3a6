package zk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

type contextKey struct{}

func TestRequestHook(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		var seen []zk.RequestInfo // by one goroutine: the caller's
		c, _ := connect(t, server, zk.WithRequestHook(func(i zk.RequestInfo) { seen = append(seen, i) }))
		create(t, c, "/a")
		ctx := context.WithValue(t.Context(), contextKey{}, "the caller's")
		_, _, err := c.WithContext(ctx).Get("/none")
		wantErr(t, err, zk.ErrNoNode)
		c.Close()
		if len(seen) != 2 || seen[0].Op != "create" || seen[0].Err != nil || seen[0].Sent == 0 || seen[0].Received != len("/a")+4 ||
			seen[1].Context != ctx || seen[1].Op != "getData" || !errors.Is(seen[1].Err, zk.ErrNoNode) {
			t.Errorf("the hook saw %+v", seen)
		}
	})
}

func TestResultOfARequest(t *testing.T) {
	for want, err := range map[string]error{
		"ok":               nil,
		"NoNode":           zk.ErrNoNode,
		"ConnectionLoss":   fmt.Errorf("%w: it broke", zk.ErrConnectionClosed),
		"Canceled":         &zk.InterruptedError{Sent: true, Err: context.Canceled},
		"DeadlineExceeded": &zk.InterruptedError{Err: context.DeadlineExceeded},
		"NoServer":         zk.ErrNoServer,
		"TooLarge":         zk.ErrTooLarge,
		"ReplyTooLarge":    zk.ErrReplyTooLarge,
		"Other":            zk.ErrUnknown,
	} {
		if got := (zk.RequestInfo{Err: err}).Result(); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}

// lockedBuffer is a buffer that several goroutines write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func TestTrace(t *testing.T) {
	bubble(t, func(t *testing.T, server *zktest.Server) {
		var out lockedBuffer
		c, events := connect(t, server, zk.WithTrace(&out))
		await(t, events, zk.StateHasSession)
		wantErr(t, c.AddAuth("digest", []byte("bob:hunter2")), nil)
		create(t, c, "/a")
		c.Close()
		text := out.b.String()
		for _, want := range []string{"> createSession", "< createSession", `> create xid=1 path="/a"`, "< create xid=1", "> closeSession", "> auth"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is missing in\n%s", want, text)
			}
		}
		if strings.Contains(text, "hunter2") {
			t.Errorf("the trace shows a password:\n%s", text)
		}
	})
}
