package zk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// serverClass is the main class of a server, whether it runs alone or in an ensemble.
const serverClass = "org.apache.zookeeper.server.quorum.QuorumPeerMain"

// Server runs a real ZooKeeper server as a child process, for tests. A server inside the test process, without
// Java, is package zktest. The fields are read by Start. The methods must not be called concurrently.
type Server struct {
	// JarPath is a jar that holds the server, alone (a fat jar) or by naming the rest in its manifest. If empty, Start
	// takes the distribution that the environment variable ZOOKEEPER_HOME or ZOOKEEPER_PATH names,
	// else Debian's package, else a fat jar in one of the usual places.
	JarPath string

	// ConfigPath is the server's zoo.cfg, see [ServerConfig.Marshall].
	ConfigPath string

	// Stdout and Stderr receive what the server prints. While both are nil it logs warnings only, and
	// nobody sees them but in the error of a server that ended by itself.
	Stdout, Stderr io.Writer

	// JVMFlags are given to Java, such as -Xmx1g or -Dreadonlymode.enabled=true.
	JVMFlags []string

	run *serverRun // nil while stopped
}

// serverRun is one run of a server, from its start to its end.
type serverRun struct {
	cmd  *exec.Cmd
	log  *tail         // the end of what it printed
	done chan struct{} // closed after the process has ended
}

// Start starts the server and returns without waiting until it serves. The process never outlives this one:
// Linux kills it when this process ends, however that happens. The data stays when the server stops:
// started again, it continues with it.
func (srv *Server) Start() error {
	if srv.run != nil {
		return errors.New("zk: server already started")
	}
	cp, err := classPath(srv.JarPath, os.Getenv, systemJars)
	if err != nil {
		return err
	}
	java, err := javaCommand(os.Getenv)
	if err != nil {
		return err
	}
	log := &tail{}
	cmd := exec.Command(java, srv.args(cp)...)
	cmd.Stdout, cmd.Stderr = log.tee(srv.Stdout), log.tee(srv.Stderr)
	cmd.SysProcAttr = dieWithParent()
	run := &serverRun{cmd: cmd, log: log, done: make(chan struct{})}
	if err := run.start(); err != nil {
		return fmt.Errorf("zk: cannot start the server: %w", err)
	}
	srv.run = run
	return nil
}

// args returns the arguments of the command java.
func (srv *Server) args(classPath []string) []string {
	level := "info"
	if srv.Stdout == nil && srv.Stderr == nil {
		level = "warn"
	}
	args := []string{
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=" + level,
		"-Dorg.slf4j.simpleLogger.showDateTime=true",
	}
	args = append(args, srv.JVMFlags...)
	return append(args, "-cp", strings.Join(classPath, string(filepath.ListSeparator)), serverClass, srv.ConfigPath)
}

// start starts the process.
func (r *serverRun) start() error {
	started := make(chan error, 1)
	// Ends with the process. It keeps its thread until then, because Linux sends the parent-death signal
	// when the thread that started the child ends.
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := r.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		r.cmd.Wait() // what it returns stays in cmd.ProcessState
		close(r.done)
	}()
	return <-started
}

// Signal sends a signal to the server: SIGSTOP freezes it, which to its clients looks
// like a network that drops everything, and SIGCONT lets it go on.
func (srv *Server) Signal(sig os.Signal) error {
	if srv.run == nil {
		return errors.New("zk: server not started")
	}
	return srv.run.cmd.Process.Signal(sig)
}

// Stop kills the server (SIGKILL) and waits until it is gone, so that its ports are free again. It returns an error
// with the end of the log if the server had ended by itself. On a stopped server it does nothing.
func (srv *Server) Stop() error {
	run := srv.run
	if run == nil {
		return nil
	}
	srv.run = nil
	err := run.exited()
	if err == nil {
		run.cmd.Process.Kill() // fails only if the process ends just then
	}
	<-run.done
	return err
}

// exited returns an error with the end of the log if the process has ended.
func (r *serverRun) exited() error {
	select {
	case <-r.done:
		return fmt.Errorf("zk: server ended: %s\n%s", r.cmd.ProcessState, r.log)
	default:
		return nil
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex // guards buf: stdout and stderr are copied by a goroutine each
	buf []byte
}

// tailSize is about the last ten lines of a log.
const tailSize = 2048

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.buf))
}

// tee returns a writer to t and, unless it is nil, to w.
func (t *tail) tee(w io.Writer) io.Writer {
	if w == nil {
		return t
	}
	return io.MultiWriter(w, t)
}
