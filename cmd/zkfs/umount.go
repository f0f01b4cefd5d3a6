package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
)

func (z *command) umountCommand() *cli.Command {
	return &cli.Command{
		Name:      "umount",
		Aliases:   []string{"unmount"},
		Usage:     "unmount",
		UsageText: "zkfs umount [-l | -f] DIRECTORY",
		Description: "Unmounts what `zkfs mount` has mounted, also when its process was killed and the " +
			"directory is dead. The session is closed, so its ephemerals and locks are gone " +
			"at once. A user that may mount may unmount; root may always.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "lazy", Aliases: []string{"l"},
				Usage: "take the directory away from under programs that use it; they can go on until they " +
					"close what they opened"},
			&cli.BoolFlag{Name: "force", Aliases: []string{"f"},
				Usage: "end a mount whose process hangs: what waits for it fails, and what was written to " +
					"files that are not closed is lost; for root"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef("umount needs one directory, there are %d", c.NArg())
			}
			dir, err := absolute(c.Args().First())
			if err != nil {
				return err
			}
			how := whenUnused
			switch {
			case c.Bool("force"):
				how = forcibly
			case c.Bool("lazy"):
				how = lazily
			}
			return umount(c.Context, dir, how)
		},
	}
}

// manner is how something is unmounted.
type manner int

const (
	whenUnused manner = iota
	lazily            // taken away from under whoever uses it
	forcibly          // likewise, and the kernel waits no more for the process of the mount
	abortively        // the kernel waits no more for the process, and the mount stays if it is in use
)

// umount unmounts dir, an absolute path, if something of zkfs is mounted there.
func umount(ctx context.Context, dir string, how manner) error {
	mount, err := mountAt(dir)
	switch {
	case err != nil:
		return failf(exitMountpoint, "%s", plain(err))
	case mount.fstype == "":
		return failf(exitMountpoint, "%s: nothing is mounted there", dir).hinting("`findmnt -t " + fsType + "` lists what can be unmounted")
	case !mount.isOurs():
		return failf(exitMountpoint, "%s: %s of type %s is mounted there, not zkfs", dir, mount.source, mount.fstype).hinting("umount " + dir)
	}
	err = whileBusy(func() error { return detach(ctx, mount.point, how) }, mount.isDead,
		func() bool { return isAsked(mount.point) })
	if errors.Is(err, syscall.EBUSY) && mount.isDead() {
		err = bury(ctx, mount) // what is still open there is dead too
	}
	var f *failure
	switch {
	case errors.Is(err, syscall.EBUSY):
		return failf(exitMountpoint, "%s: in use", dir).hinting("`fuser -vm " + dir + "` shows by whom; `zkfs umount -l " + dir + "` does not wait for them; if its process hangs, -f ends it")
	case errors.As(err, &f):
		return f
	case err != nil:
		return failf(exitMountpoint, "%s: %s", dir, plain(err))
	}
	return nil
}

// detach unmounts what is mounted on the directory point.
func detach(ctx context.Context, point string, how manner) error {
	switch {
	case os.Geteuid() == 0:
		return unmount(point, how)
	case how == forcibly:
		return failf(exitFUSE, "%s: only root can end it by force", point).hinting("as root: zkfs umount -f " + point)
	}
	return fusermountUnmount(ctx, point, how == lazily)
}

// fusermount returns the path of the program by which users other than root mount and unmount, "" if it is missing.
func fusermount() string {
	for _, name := range []string{"fusermount3", "/bin/fusermount3", "fusermount", "/bin/fusermount"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// fusermountUnmount unmounts without being root.
func fusermountUnmount(ctx context.Context, dir string, lazy bool) error {
	program := fusermount()
	if program == "" {
		return failf(exitFUSE, "there is no fusermount3, by which users other than root unmount").hinting("apt install fuse3")
	}
	args := []string{"-u"}
	if lazy {
		args = append(args, "-z")
	}
	out, err := exec.CommandContext(ctx, program, append(args, "--", dir)...).CombinedOutput()
	switch text := strings.TrimSpace(string(out)); {
	case err == nil:
		return nil
	case strings.Contains(strings.ToLower(text), "busy"):
		return syscall.EBUSY
	case text != "":
		return errors.New(text)
	}
	return err
}
