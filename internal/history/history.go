// Package history checks what processes saw of a ZooKeeper while faults were injected against what its servers committed.
//
// The processes record what they did, an [Op] each. What happened really stands in the transaction logs of the servers, see
// [ReadLogs]. [Check] compares the two, promise by promise, and returns every breach.
//
// Contents are compared by digest: each content that a process writes must be unique in its file.
package history

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Kind is what an operation does.
type Kind string

const (
	Write  Kind = "write"  // replaces the content of Path by Value
	Append Kind = "append" // appends the line Value to Path
	Create Kind = "create" // creates Path, which nobody ever deletes, exclusively, with the content Value
	Rename Kind = "rename" // moves Path to To, a name that is used once
	Read   Kind = "read"   // found Value in Path, [Missing] if there was no Path
	Stat   Kind = "stat"   // found that Path has the version Value, see [Version]
	Sync   Kind = "sync"   // the same after a sync: as new as the start of the operation
	Event  Kind = "event"  // a watch set on Path when it had the content Value, from the reply to its event, or for as long as it was waited for
	Lock   Kind = "lock"   // the request for the lock on Path, until it was granted with the fencing number Fence
	Touch  Kind = "touch"  // the holder of the lock with Fence was told that it still holds it
	Other  Kind = "other"  // nothing that is checked but how long it took
)

// Outcome is what a process knows about the effect of its operation.
type Outcome string

const (
	OK      Outcome = "ok"
	Failed  Outcome = "failed"  // it has had no effect and will have none
	Unknown Outcome = "unknown" // it may have had its effect, may have it later, or never
)

// Unclear is the View of what several may have answered, such as a mount that was replaced meanwhile.
const Unclear = "?"

// Missing is the Value of a read that found no file.
const Missing = "missing"

// An Op is one operation of one process. Times are nanoseconds of a clock that all processes share and that never goes back.
type Op struct {
	ID      int     `json:"id"` // unique in its process
	Process string  `json:"process"`
	View    string  `json:"view,omitempty"` // through what: reads of one view never go back; "" if nothing is promised about that
	Kind    Kind    `json:"kind"`
	Path    string  `json:"path"`
	To      string  `json:"to,omitempty"`
	Value   string  `json:"value,omitempty"` // a [Digest], but the line itself of an append
	Fence   int64   `json:"fence,omitempty"`
	Cached  bool    `json:"cached,omitempty"` // a read that the kernel may have cut to the length that it knew, see [Promise.Cut]
	Start   int64   `json:"start"`
	End     int64   `json:"end,omitempty"` // 0: the process ended before
	Outcome Outcome `json:"outcome"`
	Err     string  `json:"err,omitempty"`
	Call    string  `json:"call,omitempty"` // the slowest system call of it
	Slowest int64   `json:"slowest,omitempty"`
}

func (o *Op) String() string {
	took := "without end"
	if o.End != 0 {
		took = time.Duration(o.End - o.Start).Round(time.Millisecond).String()
	}
	what := fmt.Sprintf("%s/%d %s %s", o.Process, o.ID, o.Kind, o.Path)
	for _, more := range []string{o.To, o.Value, o.Err} {
		if more != "" {
			what += " " + more
		}
	}
	if o.Fence != 0 {
		what += fmt.Sprintf(" fence %#x", o.Fence)
	}
	return fmt.Sprintf("[%s: %s, at %.3fs, %s]", what, o.Outcome, float64(o.Start)/1e9, took)
}

// Digest stands for a content.
func Digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

// Version stands for the version of a znode, where the content was not read.
func Version(version int32) string { return fmt.Sprintf("version %d", version) }

// ReadOps reads the records of one process, a line of JSON each. An operation is recorded when it starts and again when
// it ends; the last record counts. A line that was cut off by the end of the process is left out.
func ReadOps(r io.Reader) ([]*Op, error) {
	var ops []*Op
	byID := map[int]*Op{}
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return ops, nil
		}
		if err != nil {
			return nil, err
		}
		op := &Op{}
		if err := json.Unmarshal(line, op); err != nil {
			return nil, fmt.Errorf("history: %q: %w", line, err)
		}
		if first := byID[op.ID]; first != nil {
			*first = *op
			continue
		}
		byID[op.ID] = op
		ops = append(ops, op)
	}
}
