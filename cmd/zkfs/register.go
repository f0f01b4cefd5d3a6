package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/zk"
)

func (z *command) registerCommand() *cli.Command {
	return &cli.Command{
		Name:      "register",
		Usage:     "run a command, and keep an ephemeral for as long as it runs",
		UsageText: "zkfs register [flags] PATH [DATA] -- COMMAND [ARGUMENT...]",
		Description: "Runs a service in the foreground and keeps an ephemeral with DATA at PATH, by " +
			"which clients find it. DATA is text as given; - reads it from standard input.\n\n" +
			"  zkfs register /mnt/zk/web/a 10.0.0.7:80 -- nginx -g 'daemon off;'\n" +
			"  zkfs register -s --server zk1,zk2/app /workers/w- -- ./worker\n" +
			"  zkfs register --check 'curl -fs localhost' /mnt/zk/web/a 10.0.0.7:80 -- ./web\n\n" +
			"The command starts when the ephemeral is there. When the session expires the command " +
			"goes on, and the next session makes the ephemeral again: what is left of the earlier " +
			"session is deleted in the same transaction, so there are never two, with -s too. " +
			"An ephemeral of another client at PATH stands until it goes; any other znode there is an " +
			"error. Missing znodes above " +
			"PATH are made, and stay. All new ones have the ACL of the nearest that is there.\n\n" +
			"The ephemeral is deleted when the command ends, and before SIGTERM, SIGINT and SIGQUIT " +
			"are passed on to it. Other signals are passed on alone. Nothing deletes it before the " +
			"end of --session-timeout if zkfs itself gets SIGKILL; the command then gets SIGTERM.\n\n" +
			codesOfCommand + "14 no such znode as the source names, 19 a znode that is no " +
			"ephemeral is at PATH, 126 and 127 the command can not be run.",
		Flags:  append(append(registerFlags(), connectionFlags()...), maxDataFlag()),
		Action: z.register,
	}
}

func registerFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "sequence", Aliases: []string{"s"}, Category: inRegister,
			Usage: "let the servers append a number to PATH"},
		&valued{&cli.StringFlag{Name: "data-file", Category: inRegister,
			Usage: "DATA is what is in `FILE`"}, aFile},
		&valued{&cli.StringFlag{Name: "check", Category: inRegister,
			Usage: "run `COMMAND` by sh while the service runs: the ephemeral is there only while its " +
				"last exit code was 0"}, aText},
		&valued{&cli.StringFlag{Name: "every", Value: "10s", Category: inRegister,
			Usage: "the time between two checks, and how long one may take"}, aTime},
		serverFlag("PATH", inRegister),
	}
}

// registerOrder is what the command line of `zkfs register` says.
type registerOrder struct {
	*connection
	name     string // as given
	znode    string // of the ephemeral
	sequence bool
	data     []byte
	maxData  int           // the most data of a znode that the servers take
	check    string        // "" for none
	every    time.Duration // between two checks
	program  string        // the path of the command
	args     []string      // with the command as given
	hidden   string        // the directory of the new znode, if the servers do not show its ACL
}

// registerOrderOf reads the command line, and what it names.
func (z *command) registerOrderOf(c *cli.Context, in *inputs) (*registerOrder, error) {
	words := c.Args().Slice()
	end := slices.Index(words, "--")
	if end != 1 && end != 2 || end == len(words)-1 {
		return nil, usagef("register needs a path, data or none, and a command after --").
			hinting("zkfs register /mnt/zk/web/a 10.0.0.7:80 -- ./web")
	}
	o := &registerOrder{
		name: words[0], args: words[end+1:],
		sequence: c.Bool("sequence"), check: c.String("check"), every: timeOf(c, "every"),
	}
	t, err := targetOf(c, o.name)
	if err != nil {
		return nil, err
	}
	var ok bool
	if o.znode, ok = fs.ZnodePath(t.file); !ok || o.znode == "/" {
		return nil, usagef("%s: no ephemeral can have that path", o.name)
	}
	if fs.FilePath(o.znode) != t.file {
		return nil, partOfZnode(o.name)
	}
	if o.sequence && strings.HasSuffix(o.name, "/") {
		o.znode += "/" // the number is the whole name
	}
	if o.connection, err = connectionOf(c, t.source, in); err != nil {
		return nil, err
	}
	if o.program, err = exec.LookPath(o.args[0]); err != nil {
		return nil, notRunnable(err)
	}
	return o, z.readRegisterData(c, o, in, words[1:end])
}

// readRegisterData reads the data of the ephemeral from where it is.
func (z *command) readRegisterData(
	c *cli.Context, o *registerOrder, in *inputs, given []string,
) (err error) {
	o.maxData = maxDataOf(c)
	switch file := c.String("data-file"); {
	case file != "" && len(given) > 0:
		return usagef("DATA and --data-file say the same")
	case file != "":
		if o.data, err = in.file(c, "data-file", nil); err == nil {
			err = checkData(o.data, o.maxData)
		}
	case len(given) > 0:
		o.data, _, err = z.dataOf(c, given[0])
	}
	return err
}

// register runs a command and keeps an ephemeral meanwhile.
func (z *command) register(c *cli.Context) error {
	if err := checkSystem("register"); err != nil {
		return err
	}
	o, err := z.registerOrderOf(c, newInputs(os.Getenv(authVariable)))
	if err != nil {
		return err
	}
	signals := catch()
	defer signals.stop()
	var r *registration
	next := func(ctx context.Context, conn *zk.Conn) (err error) {
		r, err = o.enter(ctx, conn, z.err)
		return err
	}
	conn, err := o.begin(c.Context, o.name, signals, z.err, next, enlarge(o.maxData))
	if conn != nil {
		defer conn.Close()
	}
	if r != nil {
		defer r.end()
	}
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{Path: o.program, Args: o.args, Stdin: z.in, Stdout: z.out, Stderr: z.err}
	cmd.Env = withoutVariable(os.Environ(), authVariable)
	g := guarded{cmd: cmd, signals: signals, before: func(s os.Signal) {
		if s == syscall.SIGTERM || s == syscall.SIGINT || s == syscall.SIGQUIT {
			r.end()
		}
	}}
	return g.run()
}

// refused puts into words why there is no ephemeral.
func (o *registerOrder) refused(err error) error {
	if o.hidden != "" && errors.Is(err, zk.ErrInvalidACL) {
		return hiddenACL(o.name, o.hidden)
	}
	return inWords(o.name, inDirectory(o.name, err))
}

// acl returns the ACL of the nearest znode above the ephemeral. Where the servers do not show it
// whole, only the creator may do anything.
func (o *registerOrder) acl(conn *zk.Conn) ([]zk.ACL, error) {
	for above := path.Dir(o.znode); ; above = path.Dir(above) {
		acl, _, err := conn.GetACL(above)
		switch {
		case errors.Is(err, zk.ErrNoNode) && above != "/":
			continue
		case errors.Is(err, zk.ErrNoAuth), err == nil && masked(acl):
			o.hidden = above
			return zk.AuthACL(zk.PermAll), nil
		}
		return acl, err
	}
}
