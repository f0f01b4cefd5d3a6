package zk

import "github.com/zkfs/zkfs/zk/internal/wire"

// maxRearm bounds the paths in one setWatches, in encoded bytes: servers drop the connection of who sends more than jute.maxbuffer.
const maxRearm = 128 << 10

// prime puts what sets all watches again at the front of a connection. The server answers at once with the events
// that one-shot watches have missed since the last zxid that the session has seen; those of lasting
// watches are lost, which their holders are told.
func (w *watchTable) prime(t *transport) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := rearmer{t: t, w: w, zxid: w.c.lastZxid.Load()}
	for kind, paths := range w.once {
		for path := range paths {
			b.add(path, func(r *wire.SetWatches2) *[]string {
				return [...]*[]string{&r.DataWatches, &r.ExistWatches, &r.ChildWatches}[kind]
			})
		}
	}
	b.flush()
	for mode, paths := range w.lasting {
		for path, list := range paths {
			b.add(path, func(r *wire.SetWatches2) *[]string {
				return [...]*[]string{&r.PersistentWatches, &r.PersistentRecursiveWatches}[mode]
			})
			b.lasting = true
			for _, watcher := range list {
				watcher.lost()
			}
		}
	}
	b.flush()
}

// rearmer gathers paths into requests of bounded size.
type rearmer struct {
	t       *transport
	w       *watchTable
	zxid    int64
	request wire.SetWatches2
	size    int
	lasting bool // the request needs a server that knows setWatches2
}

func (b *rearmer) add(path string, list func(*wire.SetWatches2) *[]string) {
	if b.size+4+len(path) > maxRearm {
		b.flush()
	}
	l := list(&b.request)
	*l = append(*l, path)
	b.size += 4 + len(path)
}

func (b *rearmer) flush() {
	if b.size == 0 {
		return
	}
	request := b.request
	request.RelativeZxid = b.zxid
	var cl *call
	if b.lasting {
		cl = newCall(wire.OpSetWatches2)
		cl.body = request.Append(cl.body)
	} else {
		cl = newCall(wire.OpSetWatches)
		cl.body = request.SetWatches.Append(cl.body)
	}
	cl.alone = true
	cl.onReply = func(code wire.Code) {
		if code != wire.CodeOK {
			b.w.refused(&request, errorOf(code))
		}
	}
	b.t.append(cl)
	b.request, b.size = wire.SetWatches2{}, 0
}

// refused ends the watches that the server would not set again.
func (w *watchTable) refused(r *wire.SetWatches2, err error) {
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
				watcher.end(w.notWatching(path, err))
			}
			delete(w.lasting[mode], path)
		}
	}
}
