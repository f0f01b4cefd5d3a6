package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"
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
	mu    sync.Mutex           // guards the following
	lines map[string]*repeated // that have come in their period
}

// repeated is a line and how often it has come again.
type repeated struct {
	handler slog.Handler
	record  slog.Record
	count   int
}

// maxRepeats bounds the lines that are remembered. Further ones are written each time.
const maxRepeats = 1000

func newRepeatHandler(h slog.Handler) slog.Handler {
	return repeatHandler{h, &repeats{lines: map[string]*repeated{}}}
}

// flushRepeats ends all periods of a log, at the end of a process.
func flushRepeats(log *slog.Logger) {
	h, ok := log.Handler().(repeatHandler)
	if !ok {
		return
	}
	h.seen.mu.Lock()
	lines := slices.Collect(maps.Keys(h.seen.lines))
	h.seen.mu.Unlock()
	slices.Sort(lines)
	for _, line := range lines {
		h.seen.end(line)
	}
}

// Handle implements slog.Handler.
func (h repeatHandler) Handle(ctx context.Context, r slog.Record) error {
	var line strings.Builder
	line.WriteString(r.Level.String() + " " + r.Message)
	r.Attrs(func(a slog.Attr) bool {
		line.WriteString(" " + a.String())
		return true
	})
	if h.seen.again(line.String(), h.Handler, r) {
		return nil
	}
	time.AfterFunc(repeatPeriod, func() { h.seen.end(line.String()) })
	return h.Handler.Handle(ctx, r)
}

// again reports whether the line has come before in its period, and counts it.
func (s *repeats) again(line string, h slog.Handler, r slog.Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, seen := s.lines[line]
	switch {
	case seen:
		before.count++
	case len(s.lines) < maxRepeats:
		s.lines[line] = &repeated{handler: h, record: r.Clone()} // is used after Handle returns
	}
	return seen
}

// end ends the period of a line, and writes how often it came again.
func (s *repeats) end(line string) {
	s.mu.Lock()
	l := s.lines[line]
	delete(s.lines, line)
	s.mu.Unlock()
	if l == nil || l.count == 0 {
		return
	}
	l.record.Time = time.Now()
	l.record.AddAttrs(slog.Int("repeated", l.count))
	l.handler.Handle(context.Background(), l.record)
}

// WithAttrs implements slog.Handler.
func (h repeatHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return repeatHandler{h.Handler.WithAttrs(attrs), h.seen}
}

// WithGroup implements slog.Handler.
func (h repeatHandler) WithGroup(name string) slog.Handler {
	return repeatHandler{h.Handler.WithGroup(name), h.seen}
}
