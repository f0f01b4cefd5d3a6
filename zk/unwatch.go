package zk

import (
	"errors"
	"slices"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// WatcherType says which one-shot watches of a path are meant (Watcher.WatcherType).
type WatcherType int32

const (
	WatcherChildren = WatcherType(wire.WatcherChildren) // set by ChildrenW
	WatcherData     = WatcherType(wire.WatcherData)     // set by GetW and ExistsW
	WatcherAny      = WatcherType(wire.WatcherAny)
)

// kinds lists the table's kinds of the type.
func (t WatcherType) kinds() []watchKind {
	switch t {
	case WatcherChildren:
		return []watchKind{watchChild}
	case WatcherData:
		return []watchKind{watchData, watchExist}
	case WatcherAny:
		return []watchKind{watchData, watchExist, watchChild}
	}
	return nil
}

// CheckWatches asks the server whether it has a watch of this connection on path (3.5 on, else ErrUnimplemented):
// ErrNoWatcher if not. A server of 3.8 does not look whose watch it is.
func (c *Conn) CheckWatches(path string, t WatcherType) error {
	p, err := c.serverPath(path)
	if err != nil {
		return err
	}
	cl := c.newCall(wire.OpCheckWatches)
	cl.body = (&wire.CheckWatchesRequest{Path: p, Type: wire.WatcherType(t)}).Append(cl.body)
	return c.doEmpty(cl)
}

// RemoveWatches ends all one-shot watches of the type on path and tells the server: their channels deliver an
// [EventNotWatching] and are closed. A server that lacks [FeatureRemoveWatches] is not told, and its watches fire
// into nothing. ErrNoWatcher says that there were none.
func (c *Conn) RemoveWatches(path string, t WatcherType) error {
	p, err := c.serverPath(path)
	if err != nil {
		return err
	}
	if !c.watches.removeOnce(p, t.kinds(), nil) {
		return ErrNoWatcher
	}
	return c.forget(p, wire.WatcherType(t))
}

// RemoveWatch ends one one-shot watch, by its path and its channel, which delivers an [EventNotWatching] and is closed. The server is told when it was
// the last of its type on path. ErrNoWatcher says that it has ended before.
func (c *Conn) RemoveWatch(path string, events <-chan Event) error {
	p, err := c.serverPath(path)
	if err != nil {
		return err
	}
	for _, t := range []WatcherType{WatcherData, WatcherChildren} {
		if !c.watches.removeOnce(p, t.kinds(), events) {
			continue
		}
		if c.watches.watched(p, t.kinds()) {
			return nil
		}
		return c.forget(p, wire.WatcherType(t))
	}
	return ErrNoWatcher
}

// removeOnce ends the one-shot watches of the kinds on path, or the one with the given channel, and tells whether there were any.
func (w *watchTable) removeOnce(path string, kinds []watchKind, only <-chan Event) (found bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, kind := range kinds {
		list := slices.DeleteFunc(w.once[kind][path], func(watch oneShot) bool {
			if only != nil && only != watch.events {
				return false
			}
			found = true
			watch.fire(notWatching(path, nil))
			return true
		})
		if w.once[kind][path] = list; len(list) == 0 {
			delete(w.once[kind], path)
		}
	}
	return found
}

// watched tells whether there are one-shot watches of the kinds on path.
func (w *watchTable) watched(path string, kinds []watchKind) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(kinds, func(kind watchKind) bool { return len(w.once[kind][path]) > 0 })
}

// forget tells the server that watches on path are of no use any more. Where the connection
// is gone there is nothing to tell: it takes its watches with it. A server that cannot forget fires them into nothing.
func (c *Conn) forget(path string, t wire.WatcherType) error {
	err := c.doEmpty(c.watches.removal(path, t))
	for _, gone := range []error{
		ErrUnimplemented, ErrNoWatcher, ErrConnectionClosed, ErrNoServer, ErrClosing, ErrSessionExpired,
	} {
		if errors.Is(err, gone) {
			return nil
		}
	}
	return err
}

// removal returns the call that makes the server forget watches on path, and sets again those that are still wanted.
func (w *watchTable) removal(path string, t wire.WatcherType) *call {
	cl := w.c.newCall(wire.OpRemoveWatches)
	cl.body = (&wire.RemoveWatchesRequest{Path: path, Type: t}).Append(cl.body)
	cl.onReply = func(wire.Code) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.rearm(path)
	}
	return cl
}
