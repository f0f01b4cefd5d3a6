package main

import (
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/zk"
)

// settings is what the command line of `zkfs mount` says.
type settings struct {
	*connection
	mountpoint string // absolute

	foreground  bool
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
	n, err := connectionOf(c, c.Args().Get(0), in)
	if err != nil {
		return nil, err
	}
	s := &settings{
		connection:  n,
		foreground:  c.Bool("foreground") || c.Bool("debug"),
		nonempty:    c.Bool("nonempty"),
		remountDead: c.Bool("remount-dead"),
		log:         logSettings{file: c.String("log-file"), level: c.String("log-level"), format: c.String("log-format")},
		metrics:     c.String("metrics"),
		debugAddr:   c.String("debug-addr"),
	}
	if s.mountpoint, err = absolute(c.Args().Get(1)); err != nil {
		return nil, err
	}
	if err = positive(c, "timeout", "max-age"); err != nil {
		return nil, err
	}
	if s.fs, err = fsOptions(c); err != nil {
		return nil, err
	}
	s.fs.FsName = s.source
	s.fs.Servers = zk.FormatServers(s.servers)
	s.fs.Words = words(s.tls)
	return s, nil
}

// fsOptions reads what concerns the file system alone.
func fsOptions(c *cli.Context) (fs.Options, error) {
	o := fs.Options{
		UID:          uint32(os.Getuid()),
		GID:          uint32(os.Getgid()),
		ReadOnly:     c.Bool("read-only"),
		AllowOther:   c.Bool("allow-other"),
		Timeout:      c.Duration("timeout"),
		MaxAge:       c.Duration("max-age"),
		LockSuffix:   c.String("lock-suffix"),
		MaxData:      c.Int("max-data"),
		NoEphemerals: c.Bool("no-ephemerals"),
		ShowStatus:   c.Bool("show-status"),
		Debug:        c.Bool("debug"),
	}
	if c.IsSet("uid") {
		o.UID = uint32(c.Uint("uid"))
	}
	if c.IsSet("gid") {
		o.GID = uint32(c.Uint("gid"))
	}
	if o.LockSuffix == "" {
		o.LockSuffix = "-"
	}
	var err error
	if o.Umask, err = umask(c.String("umask"), o.AllowOther); err != nil {
		return o, err
	}
	if o.Modes, err = choose(c, "modes", choice[fs.ModeSource]{"fixed", fs.ModesFixed}, choice[fs.ModeSource]{"acl", fs.ModesACL}); err != nil {
		return o, err
	}
	if o.CacheSize, err = cacheSize(c.String("cache-size")); err != nil {
		return o, err
	}
	if o.Watch, err = choose(c, "watch", choice[fs.WatchMode]{"tree", fs.WatchTree}, choice[fs.WatchMode]{"node", fs.WatchNode}, choice[fs.WatchMode]{"off", fs.WatchOff}); err != nil {
		return o, err
	}
	if o.ACL, o.ACLs, err = fs.ParseACL(c.String("acl")); err != nil {
		return o, usagef("--acl can not be %q", c.String("acl")).hinting("it is inherit, open, creator, or a list as in world:anyone:r,digest:USER:HASH:cdrwa")
	}
	if o.Commit, err = choose(c, "commit", choice[fs.CommitMode]{"close", fs.CommitClose}, choice[fs.CommitMode]{"write", fs.CommitWrite}); err != nil {
		return o, err
	}
	if o.Conflict, err = choose(c, "conflict", choice[fs.ConflictMode]{"intent", fs.ConflictIntent}, choice[fs.ConflictMode]{"fail", fs.ConflictFail}); err != nil {
		return o, err
	}
	o.NoLocal, err = choose(c, "local", choice[bool]{"scratch", false}, choice[bool]{"none", true})
	return o, err
}

// A choice is one of the words that a flag accepts.
type choice[T any] struct {
	word  string
	value T
}

// choose returns what the word given for a flag stands for.
func choose[T any](c *cli.Context, flag string, choices ...choice[T]) (value T, err error) {
	var words []string
	for _, choice := range choices {
		if choice.word == c.String(flag) {
			return choice.value, nil
		}
		words = append(words, choice.word)
	}
	return value, usagef("--%s can not be %q", flag, c.String(flag)).hinting("it is one of: " + strings.Join(words, ", "))
}

// umask reads an octal number. Where other users act with the credentials of the mount nothing is theirs unless the user says so.
func umask(text string, allowOther bool) (uint32, error) {
	switch {
	case text == "" && allowOther:
		return 0o077, nil
	case text == "":
		return 0o022, nil
	}
	mask, err := strconv.ParseUint(text, 8, 32)
	if err != nil || mask > 0o777 {
		return 0, usagef("--umask can not be %q", text).hinting("it is an octal number such as 022")
	}
	return uint32(mask), nil
}

// cacheSize reads a number of bytes, with a K, M or G for the powers of 1024.
func cacheSize(text string) (int, error) {
	number, shift := text, 0
	if i := len(text) - 1; i > 0 {
		if at := strings.IndexByte("KMG", text[i]); at >= 0 {
			number, shift = text[:i], 10*(at+1)
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt>>shift {
		return 0, usagef("--cache-size can not be %q", text).hinting("it is a number of bytes, as in 256M or 1G")
	}
	return int(n << shift), nil
}
