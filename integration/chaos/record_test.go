package chaos

import (
	"encoding/json"
	"os"

	"github.com/zkfs/zkfs/internal/history"
)

// recorder writes down what one process does. An operation is written when it starts, too: one that
// never ends is in the record.
type recorder struct {
	out     *os.File
	process string
	ops     int
}

func newRecorder(path, process string) (*recorder, error) {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	return &recorder{out: out, process: process}, err
}

// an operation that is going on.
type operation struct {
	history.Op
	r *recorder
}

func (r *recorder) begin(op history.Op) *operation {
	r.ops++
	op.ID, op.Process, op.Outcome = r.ops, r.process, history.Unknown
	op.Start = now()
	o := &operation{op, r}
	o.write()
	return o
}

// call makes one system call and remembers how long the slowest took.
func (o *operation) call(name string, f func() error) error {
	start := now()
	err := f()
	if took := now() - start; took >= o.Slowest {
		o.Slowest, o.Call = took, name
	}
	return err
}

// end notes the outcome, and err if there was one.
func (o *operation) end(outcome history.Outcome, err error) history.Outcome {
	o.End = now()
	o.Outcome = outcome
	if err != nil {
		o.Err = err.Error()
	}
	o.write()
	return outcome
}

func (o *operation) write() {
	line, err := json.Marshal(o.Op)
	if err == nil {
		_, err = o.r.out.Write(append(line, '\n'))
	}
	if err != nil {
		panic(err) // nothing can be proved without a record
	}
}
