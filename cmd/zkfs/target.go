package main

import (
	"path"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/fs"
)

// A target is what PATH of a command line names: a file or directory of a mount, or with --server
// a path without a mount. No command touches the mount, which may hang.
type target struct {
	name    string // as given
	source  string // of the ensemble
	file    string // from the root of the source
	mounted bool   // name is a path on a mount, so file has the names of a mount
}

// serverFlag lets a command work without a mount. argument is what its usage calls PATH.
func serverFlag(argument, category string) cli.Flag {
	return &valued{&cli.StringFlag{Name: "server", Category: category,
		Usage: argument + " is what it would be on a mount of `SOURCE`, as in zk1,zk2:2181/app, " +
			"or of a context"}, aText}
}

// znodeServerFlag is serverFlag of a command with a znode, not a file, as its argument.
func znodeServerFlag(argument, category string) cli.Flag {
	return &valued{&cli.StringFlag{Name: "server", Category: category,
		Usage: argument + " is the znode of that path, not a path on a mount. `SOURCE` is as in " +
			"zk1,zk2:2181/app, or a context"}, aText}
}

// targetOf returns what name names.
func targetOf(c *cli.Context, name string) (target, error) {
	t := target{name: name, source: sourceOf(c, c.String("server")), file: name}
	if t.source == "" {
		t.mounted = true
		var err error
		t.source, t.file, err = onMount(c.Command.Name, name)
		return t, err
	}
	if !strings.HasPrefix(name, "/") {
		return t, usagef("%s: with --server, a path begins with a slash", name).
			hinting("zkfs " + c.Command.Name + " --server " + t.source + " /" + name)
	}
	t.file = path.Clean(name)
	return t, nil
}

// znode returns the path of the znode that the target shows, from the root of the source. Only on a
// mount .data is the directory that it is in, and a name may be one that a mount has changed.
func (t target) znode() (string, error) {
	if !t.mounted {
		return t.file, nil
	}
	znode, ok := fs.ZnodePath(t.file)
	if !ok {
		return "", usagef("%s: no znode stands behind it", t.name)
	}
	return znode, nil
}

// partOfZnode is the failure of a command that is to create name, a file .data or .lock.
func partOfZnode(name string) error {
	return usagef("%s: it is a part of a znode", name).hinting("name the directory: " + path.Dir(name))
}

// onMount returns the source that is mounted where name is, and the path of name there. It does not
// touch the mount unless the way there leads through symbolic links.
func onMount(command, name string) (source, inside string, err error) {
	file, err := absolute(name)
	if err != nil {
		return "", "", err
	}
	table, err := mountTable()
	if err != nil {
		return "", "", failf(exitMountpoint, "%s", plain(err))
	}
	p, rest, ok := placeOf(table, file)
	if !ok {
		p, rest, ok = placeOf(table, resolved(file))
	}
	if !ok {
		return "", "", usagef("%s: not on a mount of zkfs", name).
			hinting("name the servers: zkfs " + command + " --server zk1,zk2 " + name)
	}
	return p.source, path.Join(p.root, rest), nil
}
