package main

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/zk"
)

// watched is what a user wants to watch.
type watched struct {
	source string // of the ensemble
	znode  string // from the root of the ensemble
	place  place  // where it is mounted; the zero value if a source was given
}

// watchedBy finds out what a user means: a path on a mount, or a source. What could be either is a path
// if it leads to a file, or into a directory, on a mount.
func watchedBy(name string) (watched, error) {
	looks := filepath.IsAbs(name) || name == "." || name == ".." || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../")
	file, err := absolute(name)
	if err != nil && looks { // else the working directory was deleted, which sources do not mind
		return watched{}, err
	}
	if looks || exists(file) || strings.Contains(name, "/") && exists(filepath.Dir(file)) {
		table, err := mountTable()
		if err != nil {
			return watched{}, failf(exitMountpoint, "%s", plain(err))
		}
		if p, rest, ok := placeOf(table, resolved(file)); ok {
			return p.watched(name, rest)
		}
	}
	if looks {
		return watched{}, failf(exitMountpoint, "%s: not on a mount of zkfs", name).hinting("`findmnt -t " + fsType + "` lists the mounts")
	}
	_, chroot, err := parseSource(name)
	if chroot == "" {
		chroot = "/"
	}
	return watched{source: name, znode: chroot}, err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// resolved follows symbolic links as far as the path exists.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	dir, name := filepath.Split(path)
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return filepath.Join(real, name)
	}
	return path
}

// A place is where a znode is mounted.
type place struct {
	source string
	point  string // the directory
	root   string // the path in the file system of what is seen there
}

// placeOf returns the mount of zkfs that a path without symbolic links is on, and what of the path lies below its mount point.
func placeOf(table []mountLine, path string) (p place, rest string, ok bool) {
	var found mountLine
	for _, m := range table {
		point := strings.TrimSuffix(m.point, "/")
		if (path == point || strings.HasPrefix(path, point+"/")) && len(m.point) >= len(found.point) {
			found = m
		}
	}
	if !found.isOurs() {
		return place{}, "", false
	}
	return place{found.source, found.point, found.root}, path[len(strings.TrimSuffix(found.point, "/")):], true
}

// watched returns what a path on the mount stands for. rest is the path below the mount point.
func (p place) watched(name, rest string) (watched, error) {
	_, chroot, err := parseSource(p.source)
	if err != nil {
		return watched{}, err
	}
	znode, ok := fs.ZnodePath(filepath.Join(p.root, rest))
	if !ok {
		return watched{}, failf(exitMountpoint, "%s: no znode stands behind it", name)
	}
	if znode = chroot + znode; znode != "/" {
		znode = strings.TrimSuffix(znode, "/")
	}
	return watched{source: p.source, znode: znode, place: p}, nil
}

// fileOf returns the path on the mount of a znode, "" if there is none.
func (w watched) fileOf(znode string) string {
	if w.place == (place{}) {
		return ""
	}
	_, chroot, _ := parseSource(w.source) // was parsed before
	file := fs.FilePath(strings.TrimPrefix(znode, chroot))
	return filepath.Join(w.place.point, strings.TrimPrefix(file, strings.TrimSuffix(w.place.root, "/")))
}

// lockOf returns the lock file of the mount for which the znode contends, "" if it is no contender
// or is shown as a file itself.
func (w watched) lockOf(znode string) string {
	if w.place == (place{}) || len(zk.LockQueue([]string{path.Base(znode)})) == 0 {
		return ""
	}
	lock := w.fileOf(path.Dir(znode))
	if info, err := os.Lstat(lock); err == nil && info.IsDir() {
		return ""
	}
	return lock
}
