package poke

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"time"
)

// ErrEnded is the error of an order after its poker has ended: it was killed, or took too long. It
// makes no call any more.
var ErrEnded = errors.New("the poker has ended")

// Process is a poker as the daemon sees it. It is for one goroutine at a time, but for Kill.
type Process struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	orders  *json.Encoder
	results chan Result // closed when the poker has ended
}

// Start starts the poker that cmd runs. Its stdin and stdout must be free. [Process.Reap] must
// follow.
func Start(cmd *exec.Cmd, m Mount) (*Process, error) {
	value, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	// The runtime must not interrupt calls on the mount (kernel fact 39).
	cmd.Env = append(cmd.Env, Variable+"="+string(value), "GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=1")
	cmd.Dir = "/"
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, in: in, orders: json.NewEncoder(in), results: make(chan Result)}
	go p.read(json.NewDecoder(out)) // ends with the poker
	return p, nil
}

// read hands on the results. The end of out is the end of the first thread: the kernel closes its
// descriptors after the call that is under way, and no other process has them.
func (p *Process) read(out *json.Decoder) {
	defer close(p.results)
	for {
		var r Result
		if err := out.Decode(&r); err != nil {
			return
		}
		p.results <- r
	}
}

// Thread returns the thread that makes the calls. No other one has its number before Reap.
func (p *Process) Thread() uint32 { return uint32(p.cmd.Process.Pid) }

// Do carries out an order. One that takes longer than patience ends the poker. Do returns when the
// poker makes no call any more, whatever that takes.
func (p *Process) Do(o Order, patience time.Duration) (Result, error) {
	if err := p.orders.Encode(o); err != nil {
		p.Kill()
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case r, ok := <-p.results:
			if !ok {
				return Result{}, ErrEnded
			}
			return r, nil
		case <-timer.C:
			p.Kill()
		}
	}
}

// Kill kills the poker and returns at once. A call on the mount that is under way goes on until it
// is answered.
func (p *Process) Kill() { p.cmd.Process.Kill() }

// End ends the poker and returns when it makes no call any more.
func (p *Process) End() {
	p.Kill()
	p.in.Close()
	for range p.results { // a result that no order waits for
	}
}

// Reap follows End. Another process may get the number of the thread from now on.
func (p *Process) Reap() { p.cmd.Wait() } // fails: it was killed
