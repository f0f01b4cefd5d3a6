package fs

import (
	"maps"

	"github.com/zkfs/zkfs/internal/life"
)

// A pending child of a directory exists here and not in ZooKeeper: what it is stands in its draft
// alone. The draft holds its name, which is pending exactly as long as the file has that draft: a
// commit ends it, whether it succeeds or fails for good, and so does the removal of the file. The
// list of the directory leads to the files and proves nothing.

// setPending notes that f is pending as name in d or, with nil, that nothing is.
func (d *dir) setPending(name string, f *file) {
	d.mu.Lock()
	was := d.pending[name]
	switch {
	case f == nil:
		delete(d.pending, name)
	case d.pending == nil:
		d.pending = map[string]*file{name: f}
	default:
		d.pending[name] = f
	}
	d.mu.Unlock()
	if was != nil && was != f {
		was.mu.Lock()
		if was.pendingLocked(d, name) {
			was.draft.in = nil
		}
		was.mu.Unlock()
	}
	if f != nil {
		f.mu.Lock()
		f.draft.in, f.draft.as = d, name
		f.mu.Unlock()
	}
}

// pendingLocked reports whether the file is pending as name in d. node.mu is held.
func (f *file) pendingLocked(d *dir, name string) bool {
	return f.draft != nil && f.draft.in == d && f.draft.as == name
}

// local returns the child of that name which is pending, or nil.
func (d *dir) local(name string) *file {
	d.mu.Lock()
	f := d.pending[name]
	d.mu.Unlock()
	if f == nil {
		return nil
	}
	f.mu.Lock()
	pending := f.pendingLocked(d, name)
	f.mu.Unlock()
	if pending {
		return f
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pending[name] == f {
		delete(d.pending, name)
	}
	return nil
}

// locals returns the children that are pending.
func (d *dir) locals() map[string]*file {
	d.mu.Lock()
	all := maps.Clone(d.pending)
	d.mu.Unlock()
	maps.DeleteFunc(all, func(name string, _ *file) bool { return d.local(name) == nil })
	return all
}

// hasPending reports whether something is pending in the directory at path.
func (f *FS) hasPending(path string) bool {
	d, ok := f.nodes.find(path).(*dir)
	return ok && len(d.locals()) > 0
}

// endDraft ends the file's draft by an event of its life, and strikes the name out that was pending
// with it.
func (f *file) endDraft(e life.Event) {
	f.mu.Lock()
	var d *dir
	var name string
	if f.draft != nil {
		d, name = f.draft.in, f.draft.as
	}
	f.draft = nil
	then := f.passLocked(e)
	f.mu.Unlock()
	then()
	if d != nil {
		d.local(name)
	}
}
