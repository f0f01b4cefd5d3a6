package chaos

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/zkfs/zkfs/internal/history"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/cache"
	"github.com/zkfs/zkfs/zk/recipes"
)

const (
	leaderName = base + "/leader"
	queueName  = base + "/queue"
)

var openACL = zk.WorldACL(zk.PermAll)

// errNotCurrent is that of a read of what the cache says is not up to date.
var errNotCurrent = errors.New("the cache is not current")

// readCached reads registers from a cache: what it shows is never older than before, whatever
// becomes of its session, and after a Sync as new as the start of that.
func (c *plainClient) readCached() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	t := cache.OfTree(ctx, c.conn, base)
	defer t.Close()
	for !c.ended() {
		o := history.Op{Kind: history.Read, Path: register(pick(c.rand))}
		o.View = c.Process + "/cache"
		if c.rand.IntN(4) == 0 {
			o.Kind = history.Sync
		} else if !t.Current() {
			continue
		}
		c.lookUp(ctx, t, o)
	}
}

func (c *plainClient) lookUp(ctx context.Context, t *cache.Cache, op history.Op) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	o := c.begin(op)
	var err error
	if op.Kind == history.Sync {
		err = t.Sync(ctx)
	}
	if err != nil {
		o.end(history.Failed, err)
		return
	}
	data, _, err := t.Get(op.Path)
	if err == nil && op.Kind == history.Read && !t.Current() {
		err = errNotCurrent // the connection was lost meanwhile, or a change came
	}
	o.Value = history.Digest(data)
	o.end(certain(err, err), err)
}

// lead is a candidate again and again. A leader is told that it leads until its context ends.
func (c *plainClient) lead() {
	e := recipes.NewElection(c.conn, leaderName, []byte(c.Process), openACL)
	for !c.ended() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		o := c.begin(history.Op{Kind: history.Lock, Path: leaderName})
		err := e.Lead(ctx, func(reign context.Context, fence int64) error {
			o.Fence = fence
			o.end(history.OK, nil)
			for range hold(c.rand) {
				touch := c.begin(history.Op{Kind: history.Touch, Path: leaderName, Fence: fence})
				err := reign.Err()
				touch.end(certain(err, err), err)
				time.Sleep(50 * time.Millisecond)
			}
			return nil
		})
		cancel()
		if o.Fence == 0 {
			o.end(history.Failed, err)
		}
	}
}

// take puts items into a queue and takes them. The number of each is in the record like a fencing
// number, which is not granted twice: no item is done twice.
func (c *plainClient) take() {
	q := recipes.NewQueue(c.conn, queueName, openACL)
	puts := now() // items have numbers of their own
	for !c.ended() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		puts++
		q.Put(ctx, []byte(c.Process+" "+strconv.FormatInt(puts, 10)))
		if item, err := q.Take(ctx); err == nil {
			name, number, _ := strings.Cut(string(item.Data), " ")
			n, _ := strconv.ParseInt(number, 10, 64)
			o := c.begin(history.Op{Kind: history.Lock, Path: queueName + "/" + name, Fence: n})
			err = item.Done(ctx)
			o.end(outcome(err), err)
		}
		cancel()
	}
}
