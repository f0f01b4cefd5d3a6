// Command zkfs mounts a ZooKeeper ensemble as a directory.
//
//	zkfs mount zk1,zk2:2181/app /mnt/zk
//	zkfs umount /mnt/zk
//	zkfs lock /mnt/zk/deploy.lock -- ./deploy.sh
//	zkfs demo /tmp/zk
//
// What goes wrong is told on standard error with a hint that names the way out, and by the exit code (exit.go).
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/fs"
)

func main() {
	if value := os.Getenv(companionVariable); value != "" {
		os.Exit(report(os.Stderr, accompany(value, os.Stdin)))
	}
	if value := os.Getenv(fs.PokerVariable); value != "" {
		os.Exit(report(os.Stderr, fs.RunPoker(value, os.Stdin, os.Stdout)))
	}
	surviveReaders()
	args, fake := arguments(os.Args)
	if fake {
		return
	}
	err := hideSecrets()
	if os.Getenv(daemonVariable) == "" && isJournal(os.Stderr) {
		err = errors.Join(err, moveStderr())
	}
	if err != nil {
		os.Exit(report(os.Stderr, err))
	}
	code, ok := runApart(args)
	if !ok {
		code = run(context.Background(), args, stdio{os.Stdin, os.Stdout, os.Stderr})
		tellApart(code)
	}
	os.Exit(code)
}

// surviveReaders makes a write to a pipe without readers an error, in place of a signal that ends
// the process: a session that does not end by its command's end keeps its ephemerals until it times
// out. Programs that the process starts get the signal.
func surviveReaders() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// stdio is where a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// command is one run of zkfs.
type command struct {
	stdio
	args []string // without the program's name
}

// run runs the command that args name and returns its exit code.
func run(ctx context.Context, args []string, std stdio) int {
	completes := len(args) > 0 && args[len(args)-1] == "--generate-bash-completion" && !slices.Contains(args, "--")
	if completes && args[0] == "help" { // which takes what the program takes
		args = args[1:]
	}
	z := &command{stdio: std, args: args}
	app := z.app()
	var err error
	if !completes {
		args, err = arrange(args, app.Commands)
	}
	if err == nil {
		err = app.RunContext(ctx, append([]string{app.Name}, args...))
	}
	return diffCode(z.args, report(std.err, err), err)
}

// setUpLibrary gives the library of commands and flags its texts.
var setUpLibrary = sync.OnceFunc(func() {
	cli.HelpPrinter = printHelp
	cli.FlagStringer = flagText
	cli.SuggestDidYouMeanTemplate = "did you mean %s?"
})

func (z *command) app() *cli.App {
	setUpLibrary()
	app := &cli.App{
		Name:      "zkfs",
		Usage:     "ZooKeeper as a directory",
		Version:   buildInfo().Main.Version,
		Compiled:  time.Unix(1, 0), // else the library looks in the working directory, which may hang
		Reader:    z.in,
		Writer:    z.out,
		ErrWriter: z.err,
		Commands: []*cli.Command{
			z.mountCommand(), z.umountCommand(), z.statusCommand(), z.listCommand(), z.watchCommand(),
			z.lockCommand(), z.registerCommand(), z.sessionsCommand(), z.holdersCommand(),
			z.getCommand(), z.setCommand(), z.createCommand(), z.rmCommand(), z.lsCommand(), z.statCommand(),
			z.aclCommand(), z.quotaCommand(), z.ephemeralsCommand(), z.whoamiCommand(), z.reconfigCommand(),
			z.exportCommand(), z.importCommand(), z.diffCommand(), z.cloneCommand(),
			z.pushCommand(), z.pullCommand(), z.mirrorCommand(),
			z.demoCommand(), z.completionCommand(), z.manualCommand(), z.versionCommand(),
		},
		Action: func(c *cli.Context) error {
			if name := c.Args().First(); name != "" {
				return usagef("there is no command %q", name).
					hinting(cli.SuggestCommand(c.App.Commands, name) + " `zkfs help` lists them")
			}
			return cli.ShowAppHelp(c)
		},
		Suggest:               true,
		Metadata:              map[string]any{},
		EnableBashCompletion:  true,
		BashComplete:          z.complete,
		CustomAppHelpTemplate: appHelp,
		OnUsageError:          usageError,
		ExitErrHandler:        func(*cli.Context, error) {}, // run reports
	}
	for _, cmd := range app.Commands {
		for _, f := range cmd.Flags {
			readEnvironment(f)
		}
		cmd.Before = settle
		cmd.BashComplete = z.complete
		cmd.OnUsageError = usageError
		cmd.CustomHelpTemplate = commandHelp
		cmd.HideHelpCommand = true
	}
	return app
}

// usageError is called with what the flag parser does not understand.
func usageError(c *cli.Context, err error, _ bool) error {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	hint := "`" + c.Command.HelpName + " --help` lists the flags"
	if name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); unknown {
		return usagef("there is no flag %s", hyphened(name)).hinting(suggestion(c.App.Flags, name, "--") + hint)
	}
	return usagef("%w", err).hinting(hint)
}
