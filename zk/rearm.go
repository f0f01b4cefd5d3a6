package zk

import (
	"maps"
	"slices"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// maxRearm bounds the paths in one setWatches, in encoded bytes: servers drop the connection of who sends more than jute.maxbuffer.
const maxRearm = 128 << 10

// prime puts what sets all watches again at the front of a connection. The server answers at once with the events
// that one-shot watches have missed since the last zxid that the session has seen; those of lasting
// watches are lost, which their holders are told. The requests are encoded when they are written, so that the server has the first while
// the next is made.
//
// A server that is no ZooKeeper and has ended two connections in a row over them, does not have
// them: the watches end instead, and the connection lives.
func (w *watchTable) prime(t *transport) {
	if w.c.unarmed.Load() >= strikesOut && !t.kind.zooKeeper {
		w.endAll(ErrUnimplemented)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	emit := func(encode func() *call) {
		t.prelude = append(t.prelude, encode)
		t.priming++
	}
	b := rearmer{w: w, emit: emit, zxid: w.c.lastZxid.Load()}
	b.unsure = !t.kind.zooKeeper
	for kind, paths := range w.once {
		for path := range paths {
			b.addOnce(watchKind(kind), path)
		}
	}
	b.flush()
	for mode, paths := range w.lasting {
		for path := range paths {
			b.addLasting(AddWatchMode(mode), path)
		}
	}
	b.flush()
}

// rearm sets all watches on path again, after the server was told to forget some: it may have taken that for more than was
// meant, and others may have been set meanwhile. The caller holds mu.
func (w *watchTable) rearm(path string) {
	b := rearmer{w: w, emit: func(encode func() *call) { w.c.post(encode()) }, zxid: w.c.lastZxid.Load()}
	b.second = w.c.features.support(FeatureAddWatch) == Supported && !w.c.features.zooKeeper()
	for kind := range w.once {
		if len(w.once[kind][path]) > 0 {
			b.addOnce(watchKind(kind), path)
		}
	}
	for mode := range w.lasting {
		if len(w.lasting[mode][path]) > 0 {
			b.addLasting(AddWatchMode(mode), path)
		}
	}
	b.flush()
}

// rearmer gathers paths into requests of bounded size.
type rearmer struct {
	w       *watchTable
	emit    func(encode func() *call)
	zxid    int64
	request wire.SetWatches2
	size    int
	lasting bool // the request needs a server that knows setWatches2
	second  bool // the server knows setWatches2, and perhaps it alone
	unsure  bool // the server may leave out what child watches have missed
}

func (b *rearmer) addOnce(kind watchKind, path string) {
	b.room(path)
	r := &b.request
	list := [...]*[]string{&r.DataWatches, &r.ExistWatches, &r.ChildWatches}[kind]
	if *list == nil {
		*list = make([]string, 0, min(len(b.w.once[kind]), maxRearm/(4+len(path))))
	}
	*list = append(*list, path)
}

// addLasting tells the holders of the watches too that events are missing.
func (b *rearmer) addLasting(mode AddWatchMode, path string) {
	b.room(path)
	r := &b.request
	list := [...]*[]string{&r.PersistentWatches, &r.PersistentRecursiveWatches}[mode]
	*list = append(*list, path)
	b.lasting = true
	for _, watcher := range b.w.lasting[mode][path] {
		watcher.lost()
	}
}

// room sends what was gathered if path would make it too large.
func (b *rearmer) room(path string) {
	if b.size+4+len(path) > maxRearm {
		b.flush()
	}
	b.size += 4 + len(path)
}

func (b *rearmer) flush() {
	if b.size == 0 {
		return
	}
	request, lasting, unsure, w := b.request, b.lasting || b.second, b.unsure, b.w
	request.RelativeZxid = b.zxid
	b.emit(func() *call {
		var cl *call
		if lasting {
			cl = w.c.newCall(wire.OpSetWatches2)
			cl.body = request.Append(cl.body)
		} else {
			cl = w.c.newCall(wire.OpSetWatches)
			cl.body = request.SetWatches.Append(cl.body)
		}
		cl.alone = true
		cl.onReply = func(code wire.Code) {
			switch {
			case code != wire.CodeOK:
				w.refused(&request, errorOf(code))
			case unsure:
				w.fireChildren(request.ChildWatches)
			}
		}
		return cl
	})
	b.request, b.size, b.lasting = wire.SetWatches2{}, 0, false
}

// endAll ends all watches of a session that goes on, and tells observers.
func (w *watchTable) endAll(err error) {
	w.mu.Lock()
	var paths []string
	for _, once := range w.once {
		paths = slices.AppendSeq(paths, maps.Keys(once))
	}
	w.mu.Unlock()
	w.end(err)
	w.unwatched(paths, err)
}

// unwatched tells observers that the one-shot watches on paths have ended.
func (w *watchTable) unwatched(paths []string, err error) {
	for _, path := range paths {
		w.observed(notWatching(path, err))
	}
}

// refused ends the watches that the server would not set again.
func (w *watchTable) refused(r *wire.SetWatches2, err error) {
	defer w.unwatched(slices.Concat(r.DataWatches, r.ExistWatches, r.ChildWatches), err)
	w.mu.Lock()
	defer w.mu.Unlock()
	for kind, paths := range [...][]string{r.DataWatches, r.ExistWatches, r.ChildWatches} {
		for _, path := range paths {
			w.endOnce(path, w.once[kind][path], err)
			delete(w.once[kind], path)
		}
	}
	for mode, paths := range [...][]string{r.PersistentWatches, r.PersistentRecursiveWatches} {
		for _, path := range paths {
			for _, watcher := range w.lasting[mode][path] {
				watcher.end(notWatching(path, err))
			}
			delete(w.lasting[mode], path)
		}
	}
}
