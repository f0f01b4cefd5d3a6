package main

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// repeatPeriod is for how long a line that repeats is counted instead of written.
const repeatPeriod = time.Minute

// A repeatHandler writes a line once in a period, and at its end how often it has come again: each
// dead server of a source is tried for as long as it is dead.
type repeatHandler struct {
	slog.Handler
	seen *repeats
}

// repeats is shared by the handlers derived from one.
type repeats struct {
	mu    sync.Mutex     // guards the following
	count map[string]int // how often lines have come again in their period
}

// maxRepeats bounds the lines that are remembered. Further ones are written each time.
const maxRepeats = 1000

func newRepeatHandler(h slog.Handler) slog.Handler {
	return repeatHandler{h, &repeats{count: map[string]int{}}}
}

// Handle implements slog.Handler.
func (h repeatHandler) Handle(ctx context.Context, r slog.Record) error {
	var line strings.Builder
	line.WriteString(r.Level.String() + " " + r.Message)
	r.Attrs(func(a slog.Attr) bool {
		line.WriteString(" " + a.String())
		return true
	})
	if h.seen.again(line.String()) {
		return nil
	}
	r = r.Clone() // is used after Handle returns
	time.AfterFunc(repeatPeriod, func() {
		if n := h.seen.end(line.String()); n > 0 {
			r.Time = time.Now()
			r.AddAttrs(slog.Int("repeated", n))
			h.Handler.Handle(context.Background(), r)
		}
	})
	return h.Handler.Handle(ctx, r)
}

// again reports whether the line has come before in its period, and counts it.
func (s *repeats) again(line string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, seen := s.count[line]
	switch {
	case seen:
		s.count[line] = n + 1
	case len(s.count) < maxRepeats:
		s.count[line] = 0
	}
	return seen
}

// end ends the period of a line and returns how often it came again.
func (s *repeats) end(line string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer delete(s.count, line)
	return s.count[line]
}

// WithAttrs implements slog.Handler.
func (h repeatHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return repeatHandler{h.Handler.WithAttrs(attrs), h.seen}
}

// WithGroup implements slog.Handler.
func (h repeatHandler) WithGroup(name string) slog.Handler {
	return repeatHandler{h.Handler.WithGroup(name), h.seen}
}
