package main

import (
	"log/slog"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/fs"
)

// The headings under which the help lists the flags.
const (
	inWhich    = "How the mount runs"
	inLock     = "The lock"
	inRegister = "The ephemeral"
	inConnect  = "Connection"
	inSecurity = "Security"
	inShow     = "What files look like, and to whom"
	inWrite    = "Writing"
	inCache    = "Freshness"
	inLog      = "Log and metrics"
)

// The words that flags accept, and what they stand for.
var (
	logLevels = map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	logFormats = map[string]bool{"text": false, "json": true} // is it JSON?
	modes      = map[string]fs.ModeSource{"fixed": fs.ModesFixed, "acl": fs.ModesACL}
	commits    = map[string]fs.CommitMode{"close": fs.CommitClose, "write": fs.CommitWrite}
	conflicts  = map[string]fs.ConflictMode{"intent": fs.ConflictIntent, "fail": fs.ConflictFail}
	locals     = map[string]bool{"scratch": false, "none": true} // is nothing kept?
	watches    = map[string]fs.WatchMode{"tree": fs.WatchTree, "node": fs.WatchNode, "off": fs.WatchOff}
)

// mountFlags are the flags of `zkfs mount`. All long ones are mount options too (-o).
func mountFlags() []cli.Flag {
	return slices.Concat(runFlags(), connectionFlags(), viewFlags())
}

// runFlags are about the process.
func runFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "o", Category: inWhich,
			Usage: "`LIST` of the long flags here, with commas: -o ro,umask=077,watch=node. Options that " +
				"mount(8) and fstab(5) have for all file systems are accepted and ignored"},
		&cli.BoolFlag{Name: "foreground", Aliases: []string{"f"}, Category: inWhich,
			Usage: "stay in the foreground; Ctrl-C unmounts"},
		&cli.BoolFlag{Name: "debug", Aliases: []string{"d"}, Category: inWhich,
			Usage: "print every request of the kernel; implies --foreground"},
		&cli.BoolFlag{Name: "nonempty", Category: inWhich,
			Usage: "mount on a directory that has files, which are hidden meanwhile"},
		&cli.BoolFlag{Name: "remount-dead", Category: inWhich,
			Usage: "if a mount of zkfs is there whose process is gone, remove it first"},
		&valued{&cli.StringFlag{Name: "log-file", Category: inLog, DefaultText: "syslog, or standard error in the foreground",
			Usage: "append to `FILE`; SIGHUP opens it again"}, aFile},
		&valued{&cli.StringFlag{Name: "log-level", Value: "info", Category: inLog,
			Usage: "debug, info, warn or error"}, oneOf(logLevels)},
		&valued{&cli.StringFlag{Name: "log-format", Value: "text", Category: inLog,
			Usage: "text or json"}, oneOf(logFormats)},
		&valued{&cli.StringFlag{Name: "metrics", Category: inLog,
			Usage: "serve metrics for Prometheus at `ADDRESS`, such as localhost:9141, under /metrics"}, anAddress},
		&valued{&cli.StringFlag{Name: "debug-addr", Category: inLog,
			Usage: "serve Go's profiles at `ADDRESS` under /debug/pprof/. Any process that reaches it sees the " +
				"process from inside"}, anAddress},
	}
}

// viewFlags are about the files: how they look, how they are written, and how fresh they are.
func viewFlags() []cli.Flag {
	return []cli.Flag{
		&valued{&cli.StringFlag{Name: "timeout", Value: "10s", Category: inConnect,
			Usage: "how long one file operation waits for the servers before it fails"}, aTime},

		&cli.BoolFlag{Name: "read-only", Aliases: []string{"ro"}, Category: inShow,
			Usage: "refuse every change"},
		&cli.BoolFlag{Name: "allow-other", Category: inShow,
			Usage: "let other users in, as far as the mode bits allow. They act with the credentials of " +
				"this mount, so the umask is then 077 unless given"},
		&valued{&cli.StringFlag{Name: "context", Category: inShow,
			Usage: "the SELinux `LABEL` of all files, for root; without effect on a system without SELinux"}, aText},
		&valued{&cli.StringFlag{Name: "uid", Category: inShow, DefaultText: "yours",
			Usage: "the owner that is shown"}, aUser},
		&valued{&cli.StringFlag{Name: "gid", Category: inShow, DefaultText: "yours",
			Usage: "the group that is shown"}, aGroup},
		&valued{&cli.StringFlag{Name: "umask", Category: inShow, DefaultText: "022",
			Usage: "permission bits that are not shown, octal"}, aMask},
		&valued{&cli.StringFlag{Name: "modes", Value: "fixed", Category: inShow,
			Usage: "the mode bits: fixed, 0644 for files and 0755 for directories; or acl, of these only " +
				"what the ACLs let this mount do, for one more request a znode. Both less the umask"}, oneOf(modes)},
		&cli.BoolFlag{Name: "no-ephemerals", Category: inShow,
			Usage: "leave ephemeral znodes out of listings"},
		&cli.BoolFlag{Name: "show-status", Category: inShow,
			Usage: "list the file .status of the root, which is always there"},
		&valued{&cli.StringFlag{Name: "lock-suffix", Value: ".lock", Category: inShow,
			Usage: "what the names of lock files end in; empty for none"}, aSuffix},

		&valued{&cli.StringFlag{Name: "acl", Value: "inherit", Category: inWrite,
			Usage: "the ACL of new znodes: inherit (the parent's), open (everybody may do everything), " +
				"creator (only this mount's credentials may), or a list as in " +
				"world:anyone:r,auth::cdrwa, whose commas need a backslash in -o"}, anACL},
		&valued{&cli.StringFlag{Name: "commit", Value: "close", Category: inWrite,
			Usage: "send data at close, one version for each command that writes; or at each write"}, oneOf(commits)},
		&valued{&cli.StringFlag{Name: "conflict", Value: "intent", Category: inWrite,
			Usage: "when somebody else wrote meanwhile: by intent, overwriting and appending go on and " +
				"only edits fail; or fail always"}, oneOf(conflicts)},
		&valued{&cli.StringFlag{Name: "local", Value: "scratch", Category: inWrite,
			Usage: "keep the scratch files of editors and tools in memory; none sends them to the " +
				"servers"}, oneOf(locals)},
		&valued{&cli.StringFlag{Name: "max-data", Category: inWrite, DefaultText: "1047551",
			Usage: "the most `BYTES` in a znode that the servers take, a bit less than their " +
				"jute.maxbuffer"}, aDataSize},

		&valued{&cli.StringFlag{Name: "watch", Value: "tree", Category: inCache,
			Usage: "how changes by others are noticed: one watch for the tree, one for each node looked " +
				"at, or off"}, oneOf(watches)},
		&valued{&cli.StringFlag{Name: "inotify", Value: "auto", Category: inCache,
			Usage: "wake programs that watch files by inotify when other clients change them: auto, what " +
				"the processes that this one can see watch; on, all changes of what the kernel knows, as " +
				"for containers; or off"}, oneOf(inotifyModes)},
		&valued{&cli.StringFlag{Name: "max-age", Value: "1m", Category: inCache,
			Usage: "ask the servers again after that time even if no change was reported"}, aTime},
		&valued{&cli.StringFlag{Name: "cache-size", Value: "256M", Category: inCache,
			Usage: "the most `BYTES` of memory for what is known about znodes, about 950 for each small " +
				"one, as in 512M or 2G. What was not used for longest is forgotten, by the kernel too"}, aSize},
	}
}
