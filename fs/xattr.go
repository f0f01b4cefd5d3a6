package fs

import (
	"context"
	"errors"
	"strings"
	"syscall"

	fusefs "github.com/hanwen/go-fuse/v2/fs"

	"github.com/zkfs/zkfs/internal/acls"
	"github.com/zkfs/zkfs/internal/ensemble"
	"github.com/zkfs/zkfs/internal/errno"
	"github.com/zkfs/zkfs/internal/life"
	"github.com/zkfs/zkfs/internal/poke"
	"github.com/zkfs/zkfs/xattr"
	"github.com/zkfs/zkfs/zk"
)

// source answers package xattr for one znode, within one request of the kernel.
type source struct {
	fs   *FS
	ctx  context.Context
	path string
	file *file  // nil: a directory
	lock string // the path of the znode that is locked, if this is a lock file
}

func (s source) Path() string { return s.path }

// Type asks for the Stat of a file: a session may end at any moment.
func (s source) Type() (string, error) {
	if s.file == nil {
		return xattr.TypeDirectory, nil
	}
	st, err := s.Stat()
	switch {
	case err != nil:
		return "", err
	case st.EphemeralOwner != 0:
		return xattr.TypeEphemeral, nil
	}
	return xattr.TypeFile, nil
}

func (s source) Stat() (*zk.Stat, error) { return s.fs.ensemble.Stat(s.ctx, s.path) }

func (s source) ACL() ([]zk.ACL, error) {
	acl, st, err := s.fs.ensemble.ACLStat(s.ctx, s.path)
	if node := s.fs.nodes.find(s.path); node != nil && err == nil {
		node.base().learnACL(st)
	}
	return acl, err
}

func (s source) Descendants() (int, error) { return s.fs.ensemble.Descendants(s.ctx, s.path) }

// Lock is for lock files only.
func (s source) Lock() (xattr.Lock, error) {
	if s.lock == "" {
		return xattr.Lock{}, xattr.ErrAbsent
	}
	return lockState(s.ctx, s.fs.ensemble, s.lock)
}

// source returns the znode behind the directory for package xattr.
func (d *dir) source(ctx context.Context) source {
	return source{fs: d.fs, ctx: ctx, path: d.where()}
}

// source returns the znode behind the file for package xattr.
func (f *file) source(ctx context.Context) source {
	return source{fs: f.fs, ctx: ctx, path: f.where(), file: f}
}

// get returns one attribute.
func (s source) get(name string, dest []byte) (uint32, syscall.Errno) {
	value, err := xattr.Get(name, s)
	if errors.Is(err, xattr.ErrAbsent) {
		return 0, fusefs.ENOATTR
	}
	if err != nil {
		return 0, s.fs.errno("getxattr "+name, s.path, err)
	}
	return fit(dest, value)
}

// list returns the names of the attributes that tools meet.
func (s source) list(dest []byte) (uint32, syscall.Errno) {
	var names strings.Builder
	for _, name := range xattr.List() {
		names.WriteString(name)
		names.WriteByte(0)
	}
	return fit(dest, names.String())
}

// fit puts value into dest. The kernel asks for the length first, with no room at all (kernel fact
// 48).
func fit(dest []byte, value string) (uint32, syscall.Errno) {
	if len(value) > len(dest) {
		return uint32(len(value)), syscall.ERANGE
	}
	return uint32(copy(dest, value)), 0
}

// set gives an attribute a value.
func (s source) set(name, value string) error {
	if err := s.fs.mayChange(); err != nil {
		return err
	}
	a, ok := xattr.Lookup(name)
	switch {
	case !ok:
		return errno.ErrNoAttribute
	case a.Write == xattr.WriteNever:
		return errno.ErrNotAllowed
	}
	if err := a.Check(value); err != nil {
		return errors.Join(zk.ErrBadArguments, err)
	}
	switch a.Write {
	case xattr.WriteACL:
		return s.setACL(value)
	case xattr.WriteType:
		return s.setType(value)
	}
	return nil
}

// parseACL reads an ACL that is to be set. One whose digests the servers masked would lock its users out.
func parseACL(value string) ([]zk.ACL, error) {
	acl, err := xattr.ParseACL(value)
	if err != nil {
		return nil, errors.Join(zk.ErrInvalidACL, err)
	}
	if acls.Masked(acl) {
		return nil, errno.ErrMaskedACL
	}
	return acl, nil
}

// setACL replaces the ACL that is there at this moment.
func (s source) setACL(value string) error {
	acl, err := parseACL(value)
	if err != nil {
		return err
	}
	defer s.fs.showChange(s.ctx, s.path, ensemble.AttrChanged)
	node := s.fs.nodes.find(s.path)
	if node == nil {
		return s.fs.ensemble.SetACL(s.ctx, s.path, acl)
	}
	node.base().ownACL(1) // before another request can learn it
	err = s.fs.ensemble.SetACL(s.ctx, s.path, acl)
	if err != nil {
		node.base().ownACL(-1)
	}
	return err
}

// Getxattr, Listxattr, Setxattr and Removexattr of directories and files differ in nothing but the type.

func (d *dir) Getxattr(ctx context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	ctx, cancel := d.fs.limits.Bound(ctx)
	defer cancel()
	return d.source(ctx).get(name, dest)
}

func (d *dir) Listxattr(_ context.Context, dest []byte) (uint32, syscall.Errno) {
	return source{}.list(dest)
}

func (d *dir) Setxattr(ctx context.Context, name string, data []byte, _ uint32) syscall.Errno {
	if d.isPoker(ctx) {
		return d.fs.announced.grant(FilePath(d.where()), poke.Attributes)
	}
	ctx, cancel := d.fs.limits.BoundChange(ctx)
	defer cancel()
	s := d.source(ctx)
	return d.fs.errno("setxattr "+name, s.path, s.set(name, string(data)))
}

func (d *dir) Removexattr(_ context.Context, name string) syscall.Errno { return cannotRemove(name) }

func (f *file) Getxattr(ctx context.Context, name string, dest []byte) (uint32, syscall.Errno) {
	ctx, cancel := f.fs.limits.Bound(ctx)
	defer cancel()
	if f.lifeNow().IsHere() {
		return 0, fusefs.ENOATTR
	}
	s := f.source(ctx)
	if f.role == roleLock || f.role == roleDirLock {
		s.lock = f.where()
	}
	return s.get(name, dest)
}

func (f *file) Listxattr(_ context.Context, dest []byte) (uint32, syscall.Errno) {
	if f.lifeNow().IsHere() {
		return 0, 0
	}
	return source{}.list(dest)
}

func (f *file) Setxattr(ctx context.Context, name string, data []byte, _ uint32) syscall.Errno {
	if f.isPoker(ctx) {
		return f.fs.announced.grant(f.shownPath(), poke.Attributes)
	}
	ctx, cancel := f.fs.limits.BoundChange(ctx)
	defer cancel()
	return f.fs.errno("setxattr "+name, f.where(), f.setxattr(ctx, name, string(data)))
}

// setxattr commits what was written before: the ACL may be one that does not allow it any more. The data of a newborn
// file comes after its ACL, so that no client reads it that may not.
func (f *file) setxattr(ctx context.Context, name, value string) error {
	l := f.lifeNow()
	if l == life.Scratch {
		return f.setScratchACL(name, value)
	}
	newborn := l == life.Newborn
	if f.hasDraft() && !newborn && !f.isEmptyData() {
		if err := f.force(ctx); err != nil {
			return err
		}
	}
	s := f.source(ctx)
	if err := s.set(name, value); err != nil {
		return err
	}
	if a, _ := xattr.Lookup(name); newborn && a.Write == xattr.WriteACL {
		acl, err := parseACL(value)
		if err != nil {
			return err
		}
		f.inherit(acl)
	}
	return nil
}

// isEmptyData reports whether this is the data of a directory that has none, which can not be committed: it does not exist.
func (f *file) isEmptyData() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.role == roleData && f.draft != nil && len(f.draft.data) == 0
}

func (f *file) Removexattr(_ context.Context, name string) syscall.Errno { return cannotRemove(name) }

// setScratchACL keeps the ACL that a tool gives to a scratch file for the znode that it becomes.
func (f *file) setScratchACL(name, value string) error {
	switch a, ok := xattr.Lookup(name); {
	case ok && a.Write == xattr.WriteType && value != xattr.TypeFile:
		return errno.ErrNotAllowed
	case !ok || a.Write != xattr.WriteACL:
		return nil // of the znode that it becomes
	}
	acl, err := parseACL(value)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.draft != nil {
		f.draft.acl = acl
	}
	return nil
}

// cannotRemove is why an attribute can not be removed: it is always there, or never.
func cannotRemove(name string) syscall.Errno {
	if _, ok := xattr.Lookup(name); ok {
		return errno.Of(errno.ErrNotAllowed)
	}
	return fusefs.ENOATTR
}
