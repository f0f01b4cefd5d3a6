// Package integration holds the tests against real ZooKeeper servers and the real kernel.
//
// One server on its own is shared by the tests, each of which works below a znode of its own. A test that stops
// servers, or needs them configured otherwise, starts its own. Nothing may be left when all
// tests are done: no mount, no child process, no goroutine.
package integration

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"testing"

	"go.uber.org/goleak"

	"github.com/zkfs/zkfs/zk"
)

// superDigest makes super:secret the super user of a server, scheme "digest".
const superDigest = "-Dzookeeper.DigestAuthenticationProvider.superDigest=super:lK75jTNcA+U9vtVEw5vB51mj/w4="

// raceOptions are for the command zkfs with the race detector, which by default sleeps for a second
// before each exit.
const raceOptions = "halt_on_error=1 atexit_sleep_ms=0"

// shared is the server that tests share. They must leave it running.
var shared *zk.TestCluster

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// run runs the tests between the start of the shared server and the search for leaks.
// Everything temporary of this process and of its children lies in one folder.
func run(m *testing.M) (code int, err error) {
	if role := os.Getenv(roleVariable); role != "" {
		return 0, playRole(role)
	}
	if signal.Ignored(os.Interrupt) { // as in the background of a script: the processes of tests heed it
		signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	}
	tmp, err := os.MkdirTemp("", "zkfs-integration-")
	if err != nil {
		return 1, err
	}
	if err := errors.Join(os.Setenv("TMPDIR", tmp), os.Setenv("GORACE", raceOptions), compileAsMake()); err != nil {
		return 1, err
	}
	if err := makeClassData(tmp); err != nil {
		return 1, errors.Join(err, os.RemoveAll(tmp))
	}
	shared, err = startCluster(1, nil)
	if err != nil {
		return 1, errors.Join(err, os.RemoveAll(tmp))
	}
	code = m.Run()
	return code, errors.Join(shared.Stop(), mountsBelow(tmp), children(), goleak.Find(),
		os.RemoveAll(commands()), os.RemoveAll(classData), leftovers(tmp))
}

// trimmed is the flag with which make compiles the command.
const trimmed = " -trimpath"

// compileAsMake lets the tests compile other programs as make compiles the command: what they
// share, above all the standard library, is in Go's cache then.
func compileAsMake() error {
	return errors.Join(os.Setenv("CGO_ENABLED", "0"), os.Setenv("GOFLAGS", os.Getenv("GOFLAGS")+trimmed))
}
