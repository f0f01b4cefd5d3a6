package integration

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// classData is a file with the classes of a server as Java has them in memory ("CDS"). A server that
// takes them from there needs two thirds of the CPU time until it serves. While this is empty, and
// where the class path is another, a server reads its jars.
var classData string

// makeClassData makes it in the folder dir, which takes a server: Java writes the file when it ends.
func makeClassData(dir string) error {
	path := filepath.Join(dir, "server.jsa")
	ts, err := startCluster(1, func(_ int, _ *zk.ServerConfig, srv *zk.Server) {
		srv.JVMFlags = append(srv.JVMFlags, "-XX:+IgnoreUnrecognizedVMOptions", // Java 11
			"-XX:ArchiveClassesAtExit="+path, "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
	})
	if err != nil {
		return err
	}
	c, err := ts.Connect(0)
	if err != nil {
		return errors.Join(err, ts.Stop())
	}
	_, err = c.Create("/n", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll))
	c.Close()
	if err := errors.Join(err, ts.Servers[0].Srv.Signal(syscall.SIGTERM)); err != nil {
		return errors.Join(err, ts.Stop())
	}
	for ts.Servers[0].Srv.Signal(syscall.Signal(0)) == nil {
		time.Sleep(20 * time.Millisecond)
	}
	ts.Stop()                                // reports that the server has ended by itself
	if _, err := os.Stat(path); err == nil { // Java 11 makes none
		classData = path
	}
	return nil
}
