package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/zkfs/zkfs/internal/printable"
)

// say prints a line for people, which begins with the program's name. Parts of it may come from
// servers and other clients.
func say(w io.Writer, format string, args ...any) {
	io.WriteString(w, "zkfs: "+printable.Line(fmt.Sprintf(format, args...))+"\n")
}

// jsonTo returns an encoder of JSON to w. It is exact, and harmless to a terminal.
func jsonTo(w io.Writer) *json.Encoder {
	e := json.NewEncoder(printable.JSON(w))
	e.SetEscapeHTML(false)
	return e
}

// plain returns the text of an error without the name of the package or of the system call that it came from.
func plain(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Path + ": " + pathErr.Err.Error()
	}
	text := err.Error()
	for _, prefix := range []string{"zk: ", "flw: ", "gssapi: ", "xattr: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}
