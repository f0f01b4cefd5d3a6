package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/zkfs/zkfs/internal/history"
	"github.com/zkfs/zkfs/zk"
)

const (
	sessionTimeout = 4 * time.Second // of mounts and clients
	callTimeout    = 5 * time.Second // of mounts: --timeout
)

// plainClient works with a session of its own.
type plainClient struct {
	role
	*recorder
	conn *zk.Conn
	rand *rand.Rand
	over chan struct{}
}

func playClient(r role, rec *recorder, over chan struct{}) error {
	conn, _, err := zk.Connect(r.Servers, sessionTimeout, zk.WithLogInfo(false), zk.WithLogger(silent{}))
	if err != nil {
		return err
	}
	defer conn.Close()
	c := &plainClient{role: r, recorder: rec, conn: conn, rand: rand.New(rand.NewPCG(r.Seed, 0)), over: over}
	switch r.Play {
	case "client":
		c.work()
	case "watcher":
		c.watch()
	case "clientlocker":
		c.lock()
	case "cacher":
		c.readCached()
	case "leader":
		c.lead()
	case "taker":
		c.take()
	default:
		return fmt.Errorf("no role %q", r.Play)
	}
	return nil
}

type silent struct{}

func (silent) Printf(string, ...any) {}

// view names the session: what is read in one never goes back.
func (c *plainClient) view() string { return fmt.Sprintf("%s/%#x", c.Process, c.conn.SessionID()) }

// ended reports whether the work is over, after a pause.
func (c *plainClient) ended() bool {
	select {
	case <-c.over:
		return true
	case <-time.After(time.Duration(c.rand.Int64N(int64(2*c.Pause) + 1))):
		return false
	}
}

func (c *plainClient) work() {
	for !c.ended() {
		reg := pick(c.rand)
		switch c.rand.IntN(4) {
		case 0:
			c.set(reg)
		case 1:
			c.append()
		case 2:
			c.get(history.Sync, register(reg))
		default:
			c.get(history.Read, register(reg))
		}
	}
}

// outcome returns what the client says about a change that failed with err.
func outcome(err error) history.Outcome {
	switch {
	case err == nil:
		return history.OK
	case zk.MaybeApplied(err):
		return history.Unknown
	default:
		return history.Failed
	}
}

func (c *plainClient) set(reg int) {
	data := content(c.Process, c.ops+1, reg)
	o := c.begin(history.Op{Kind: history.Write, Path: register(reg), Value: history.Digest(data)})
	_, err := c.conn.Set(o.Path, data, -1)
	o.end(outcome(err), err)
}

// append reads the lines and sets them with one more, if nobody else was faster.
func (c *plainClient) append() {
	line := fmt.Sprintf("%s %d", c.Process, c.ops+1)
	path := fmt.Sprintf("%s/a%d", base, now()/int64(appendEpoch*time.Second))
	o := c.begin(history.Op{Kind: history.Append, Path: path, Value: line})
	data, stat, err := c.conn.Get(path)
	switch {
	case err == nil:
		_, err = c.conn.Set(path, append(data, line+"\n"...), stat.Version)
		o.end(outcome(err), err)
	case errors.Is(err, zk.ErrNoNode):
		_, err = c.conn.Create(path, []byte(line+"\n"), 0, zk.WorldACL(zk.PermAll))
		o.end(outcome(err), err)
	default:
		o.end(history.Failed, err)
	}
}

func (c *plainClient) get(kind history.Kind, path string) {
	o := c.begin(history.Op{Kind: kind, Path: path, View: c.view()})
	var err error
	if kind == history.Sync {
		_, err = c.conn.Sync(path)
	}
	var data []byte
	if err == nil {
		data, _, err = c.conn.Get(path)
	}
	if o.View != c.view() {
		o.View = ""
	}
	o.Value = history.Digest(data)
	o.end(certain(err, err), err)
}

// watch follows a register by one-shot watches.
func (c *plainClient) watch() {
	path := register(0)
	for !c.ended() {
		o := c.begin(history.Op{Kind: history.Read, Path: path, View: c.view()})
		data, _, events, err := c.conn.GetW(path)
		if o.View != c.view() {
			o.View = ""
		}
		o.Value = history.Digest(data)
		o.end(certain(err, err), err)
		if err != nil {
			continue
		}
		w := c.begin(history.Op{Kind: history.Event, Path: path, Value: o.Value})
		select {
		case e := <-events:
			if e.Type == zk.EventNodeDataChanged {
				w.end(history.OK, nil)
			} else {
				w.end(history.Failed, e.Err) // the watch went with its session, as it says
			}
		case <-c.over:
			w.end(history.Unknown, nil)
		}
	}
}

// lock contends for the lock that is flock(2) on a mount.
func (c *plainClient) lock() {
	for !c.ended() {
		lock := zk.NewLock(c.conn, lockName, zk.WorldACL(zk.PermAll))
		lock.SetContainer()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		o := c.begin(history.Op{Kind: history.Lock, Path: lockName})
		err := lock.LockContext(ctx)
		cancel()
		if err != nil {
			o.end(history.Failed, err)
			continue
		}
		o.Fence = lock.Zxid()
		o.end(history.OK, nil)
		for range hold(c.rand) {
			touch := c.begin(history.Op{Kind: history.Touch, Path: lockName, Fence: o.Fence})
			select {
			case <-lock.Lost():
				touch.end(history.Failed, zk.ErrLockLost)
			default:
				touch.end(history.OK, nil)
			}
			time.Sleep(50 * time.Millisecond)
		}
		lock.Unlock()
	}
}
