package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// The peer of a mount is a file system in memory that is made with the same library, has the same tree, lets the kernel keep as much,
// and does nothing else. It runs in a process of its own, as a mount does.

// memoryFile is a file. One program at a time writes it.
type memoryFile struct {
	fusefs.Inode
	data []byte
}

func (f *memoryFile) Getattr(_ context.Context, _ fusefs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size, out.Nlink = 0o644, uint64(len(f.data)), 1
	return 0
}

// Setattr accepts what tar sets.
func (f *memoryFile) Setattr(ctx context.Context, h fusefs.FileHandle, _ *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return f.Getattr(ctx, h, out)
}

func (f *memoryFile) Write(_ context.Context, _ fusefs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	f.data = append(f.data[:min(off, int64(len(f.data)))], data...)
	return uint32(len(data)), 0
}

func (f *memoryFile) Flush(context.Context, fusefs.FileHandle) syscall.Errno { return 0 }

func (f *memoryFile) Open(context.Context, uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH, 0
}

func (f *memoryFile) Read(_ context.Context, _ fusefs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	end := min(off+int64(len(dest)), int64(len(f.data)))
	return fuse.ReadResultData(f.data[min(off, end):end]), 0
}

// memoryDir is a directory. One program at a time changes it.
type memoryDir struct {
	fusefs.Inode
	entries []fuse.DirEntry // in the order of the names, or in which they were made
}

func (d *memoryDir) Create(ctx context.Context, name string, _, _ uint32, out *fuse.EntryOut) (*fusefs.Inode, fusefs.FileHandle, uint32, syscall.Errno) {
	child := d.NewPersistentInode(ctx, &memoryFile{}, fusefs.StableAttr{Mode: syscall.S_IFREG})
	d.adopt(name, child)
	out.Mode, out.Nlink = syscall.S_IFREG|0o644, 1
	return child, nil, fuse.FOPEN_DIRECT_IO, 0
}

func (d *memoryDir) Mkdir(ctx context.Context, name string, _ uint32, out *fuse.EntryOut) (*fusefs.Inode, syscall.Errno) {
	child := d.NewPersistentInode(ctx, &memoryDir{}, fusefs.StableAttr{Mode: syscall.S_IFDIR})
	d.adopt(name, child)
	out.Mode, out.Nlink = syscall.S_IFDIR|0o755, 1
	return child, 0
}

// Setattr accepts what tar sets.
func (d *memoryDir) Setattr(ctx context.Context, h fusefs.FileHandle, _ *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	return d.Getattr(ctx, h, out)
}

func (d *memoryDir) Unlink(_ context.Context, name string) syscall.Errno {
	d.entries = slices.DeleteFunc(slices.Clone(d.entries), func(e fuse.DirEntry) bool { return e.Name == name })
	for i := range d.entries {
		d.entries[i].Off = uint64(i + 1)
	}
	return 0
}

func (d *memoryDir) Rmdir(ctx context.Context, name string) syscall.Errno { return d.Unlink(ctx, name) }

func (d *memoryDir) adopt(name string, child *fusefs.Inode) {
	d.entries = append(d.entries, fuse.DirEntry{Name: name, Mode: child.Mode(), Ino: child.StableAttr().Ino, Off: uint64(len(d.entries) + 1)})
}

func (d *memoryDir) Getattr(_ context.Context, _ fusefs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Nlink = 0o755, 1
	return 0
}

func (d *memoryDir) OpendirHandle(context.Context, uint32) (fusefs.FileHandle, uint32, syscall.Errno) {
	return &memoryListing{d: d}, fuse.FOPEN_CACHE_DIR | fuse.FOPEN_KEEP_CACHE, 0
}

// memoryListing is an open directory.
type memoryListing struct {
	d    *memoryDir
	next uint64
}

func (l *memoryListing) Readdirent(context.Context) (*fuse.DirEntry, syscall.Errno) {
	if l.next >= uint64(len(l.d.entries)) {
		return nil, 0
	}
	l.next++
	return &l.d.entries[l.next-1], 0
}

func (l *memoryListing) Seekdir(_ context.Context, off uint64) syscall.Errno {
	l.next = off
	return 0
}

// grow makes the tree below d.
func (d *memoryDir) grow(ctx context.Context, fanout []int) {
	if len(fanout) == 0 {
		return
	}
	for i := range fanout[0] {
		name := childName(fanout, i)
		var child *fusefs.Inode
		if len(fanout) == 1 {
			child = d.NewPersistentInode(ctx, &memoryFile{data: make([]byte, dataSize)}, fusefs.StableAttr{Mode: syscall.S_IFREG})
		} else {
			sub := &memoryDir{}
			child = d.NewPersistentInode(ctx, sub, fusefs.StableAttr{Mode: syscall.S_IFDIR})
			sub.grow(ctx, fanout[1:])
		}
		d.AddChild(name, child, false)
		d.adopt(name, child)
	}
}

// serveMemory mounts the tree on dir and serves it until standard input ends.
func serveMemory(dir string, t tree) error {
	forever := time.Hour
	root := &memoryDir{}
	opts := &fusefs.Options{EntryTimeout: &forever, AttrTimeout: &forever, NegativeTimeout: &forever, NullPermissions: true}
	opts.OnAdd = func(ctx context.Context) { root.grow(ctx, t.fanout) }
	opts.MountOptions = fuse.MountOptions{
		Name: "memory", MaxWrite: 1 << 20, MaxBackground: 64, DirectMount: true, DisableXAttrs: true,
		Options:           []string{"default_permissions"},
		ExtraCapabilities: fuse.CAP_ATOMIC_O_TRUNC | fuse.CAP_HANDLE_KILLPRIV_V2,
	}
	server, err := fusefs.Mount(dir, root, opts)
	if err != nil {
		return err
	}
	fmt.Println("mounted")
	io.Copy(io.Discard, os.Stdin)
	return server.Unmount()
}

// memory is a mount of the peer in a folder of its own.
type memory struct {
	dir   string
	cmd   *exec.Cmd
	stdin io.Closer
}

func mountMemory(t tree) (*memory, error) {
	dir, err := os.MkdirTemp("", "zkfs-bench-memory-")
	if err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe, "-memory", dir, "-tree", t.name)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		return nil, fmt.Errorf("mount the tree in memory: %w", err)
	}
	return &memory{dir, cmd, stdin}, nil
}

func (m *memory) path() string { return m.dir }

func (m *memory) unmount() {
	m.stdin.Close()
	if err := m.cmd.Wait(); err != nil {
		fmt.Fprintln(os.Stderr, "bench: unmount the tree in memory:", err)
		return
	}
	os.Remove(m.dir)
}
