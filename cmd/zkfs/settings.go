package main

import (
	"os"
	"os/exec"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/zk"
)

// settings is what the command line of `zkfs mount` says.
type settings struct {
	*connection
	mountpoint string // absolute

	nonempty    bool
	remountDead bool

	log       logSettings
	metrics   string // address, "" for none
	debugAddr string
	fs        fs.Options
}

// settingsOf reads the command line, and the files that it names.
func settingsOf(c *cli.Context, in *inputs) (*settings, error) {
	if c.NArg() != 2 {
		return nil, usagef("mount needs two names, there are %d", c.NArg()).hinting("zkfs mount HOST:PORT[,HOST:PORT...][/PATH] DIRECTORY")
	}
	if err := checkOrder(c.Args().Get(0), c.Args().Get(1)); err != nil {
		return nil, err
	}
	n, err := connectionOf(c, sourceOf(c, c.Args().Get(0)), in)
	if err != nil {
		return nil, err
	}
	s := &settings{
		connection:  n,
		nonempty:    c.Bool("nonempty"),
		remountDead: c.Bool("remount-dead"),
		log: logSettings{
			Foreground: c.Bool("foreground") || c.Bool("debug"),
			Level:      logLevels[c.String("log-level")],
			JSON:       logFormats[c.String("log-format")],
		},
		metrics:   c.String("metrics"),
		debugAddr: c.String("debug-addr"),
	}
	if name := c.String("log-file"); name != "" {
		if s.log.File, err = absolute(name); err != nil {
			return nil, err
		}
	}
	if s.mountpoint, err = absolute(c.Args().Get(1)); err != nil {
		return nil, err
	}
	s.fs = fsOptions(c)
	s.fs.FsName = s.source
	s.fs.Version = buildInfo().Main.Version
	s.fs.Servers = zk.FormatServers(s.servers)
	s.fs.Poker = func() *exec.Cmd { return pokerCommand(s.mountpoint) }
	s.fs.Words = s.secrets.words()
	return s, nil
}

// checkOrder refuses a source and a mount point that are swapped.
func checkOrder(source, dir string) error {
	isDir := func(name string) bool {
		info, err := os.Stat(name)
		return err == nil && info.IsDir()
	}
	if strings.HasPrefix(source, "/") || strings.HasPrefix(source, ".") || isDir(source) && !isDir(dir) {
		return usagef("%s: a source is needed, and this is a directory", source).
			hinting("the source comes first: zkfs mount " + dir + " " + source)
	}
	return nil
}

// fsOptions reads what concerns the file system alone.
func fsOptions(c *cli.Context) fs.Options {
	o := fs.Options{
		UID:          uint32(os.Getuid()),
		GID:          uint32(os.Getgid()),
		Umask:        0o022,
		Modes:        modes[c.String("modes")],
		ReadOnly:     c.Bool("read-only"),
		AllowOther:   c.Bool("allow-other"),
		Context:      c.String("context"),
		Timeout:      timeOf(c, "timeout"),
		MaxAge:       timeOf(c, "max-age"),
		Watch:        watches[c.String("watch")],
		Inotify:      inotifyModes[c.String("inotify")],
		LockSuffix:   c.String("lock-suffix"),
		Commit:       commits[c.String("commit")],
		Conflict:     conflicts[c.String("conflict")],
		NoLocal:      locals[c.String("local")],
		NoEphemerals: c.Bool("no-ephemerals"),
		ShowStatus:   c.Bool("show-status"),
		Debug:        c.Bool("debug"),
	}
	if o.AllowOther {
		o.Umask = 0o077 // they act with the credentials of the mount
	}
	// What follows was checked: each is a value of its kind, or missing.
	if c.IsSet("umask") {
		o.Umask, _ = parseMask(c.String("umask"))
	}
	if c.IsSet("uid") {
		o.UID, _ = parseUser(c.String("uid"))
	}
	if c.IsSet("gid") {
		o.GID, _ = parseGroup(c.String("gid"))
	}
	o.MaxData, _ = parseSize(c.String("max-data"))
	o.CacheSize, _ = parseSize(c.String("cache-size"))
	o.ACL, o.ACLs, _ = fs.ParseACL(c.String("acl"))
	if o.LockSuffix == "" {
		o.LockSuffix = "-"
	}
	return o
}
