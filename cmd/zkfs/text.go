package main

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
)

// plain returns the text of an error without the name of the package or of the system call that it came from.
func plain(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Path + ": " + pathErr.Err.Error()
	}
	text := err.Error()
	for _, prefix := range []string{"zk: ", "flw: ", "gssapi: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

// absolute returns a path that holds after a change of the working directory.
func absolute(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", failf(exitMountpoint, "%s: %s", path, plain(err))
	}
	return abs, nil
}
