package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// absolute returns a path that holds after a change of the working directory. It leads where path
// leads the kernel: the parent of a symbolic link is that of its target.
func absolute(path string) (string, error) {
	full := path
	if !filepath.IsAbs(path) {
		wd, err := os.Getwd()
		if err != nil {
			return "", failf(exitMountpoint, "%s: %s", path, plain(err))
		}
		full = wd + "/" + path
	}
	names := strings.Split(full, "/")
	up := 0 // so many names lead to the last parent
	for i, name := range names {
		if name == ".." {
			up = i + 1
		}
	}
	if up == 0 {
		return filepath.Clean(full), nil
	}
	table, err := mountTable()
	if err != nil {
		return "", failf(exitMountpoint, "%s", plain(err))
	}
	dir := walk(names[:up], func(name string) (target string) {
		if _, _, ours := placeOf(table, name); !ours { // which has no links, and may hang
			target, _ = os.Readlink(name) // fails unless it is a link
		}
		return target
	})
	return filepath.Join(dir, filepath.Join(names[up:]...)), nil
}

// mostLinks is how many symbolic links the kernel follows in a path (path_resolution(7)).
const mostLinks = 40

// walk returns where names lead from the root. readlink returns the target of a symbolic link, ""
// for what is none.
func walk(names []string, readlink func(string) string) string {
	at := "/"
	for links := 0; len(names) > 0; {
		next := filepath.Join(at, names[0])
		names = names[1:]
		target := ""
		if links < mostLinks {
			target = readlink(next)
		}
		if target == "" {
			at = next
			continue
		}
		links++
		if filepath.IsAbs(target) {
			at = "/"
		}
		names = slices.Concat(strings.Split(target, "/"), names)
	}
	return at
}
