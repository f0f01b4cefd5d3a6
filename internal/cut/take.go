package cut

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/znode"
)

const (
	// maxStarts is how often a cut is begun when the connection is lost.
	maxStarts = 5
	// maxRounds is how often what has changed is read again.
	maxRounds = 2000
	// restartWait is how long a server is waited for when the connection was lost.
	restartWait = time.Minute
)

// Options say what a cut covers and where it is kept.
type Options struct {
	Exclude  []string         // znodes to leave out, and all below them
	Folder   string           // of the file that keeps what was read, "" for that of temporary files
	Progress func(znodes int) // called now and then with how many were read, if it is not nil

	// Loose reads from any server, and where one lacks what a cut needs, each znode as it is when
	// its turn comes. It is for trees that no other client changes.
	Loose bool
}

// System are the znodes that belong to the servers themselves: quotas, their configuration.
var System = []string{"/zookeeper", "/keeper"}

// A Cut is a tree as it was after one transaction. It is not to be used by several goroutines.
type Cut struct {
	Root   string // the path of the tree
	Zxid   int64  // the transaction
	Server string // that has answered
	Rounds int    // how often what had changed was read again

	r *reader
}

// Take reads the tree at root. Where the connection is lost it begins again, up to five times.
//
// [ErrUnsupported], [ErrBusy] and [ErrLost] say why there is no cut; zk.ErrNoNode says that there
// is no znode at root, zk.ErrNoAuth that the session may not read it.
func Take(ctx context.Context, c *zk.Conn, root string, o Options) (*Cut, error) {
	for start := 1; ; start++ {
		cut, err := take(ctx, c, root, o)
		if err == nil || start == maxStarts || ctx.Err() != nil {
			return cut, err
		}
		if !errors.Is(err, ErrLost) && !znode.Passing(err) {
			return nil, err
		}
		if err := connected(ctx, c, root); err != nil {
			return nil, err
		}
	}
}

// connected waits for a server, but not for ever.
func connected(ctx context.Context, c *zk.Conn, root string) error {
	wait, cancel := context.WithTimeout(ctx, restartWait)
	defer cancel()
	err := znode.Retry(wait, func(bool) error {
		_, err := c.WithContext(wait).Sync(root)
		return err
	})
	if err != nil && ctx.Err() == nil && wait.Err() != nil {
		return ErrLost
	}
	return err
}

func take(ctx context.Context, c *zk.Conn, root string, o Options) (*Cut, error) {
	r, err := newReader(c.WithContext(ctx), root, o)
	if err != nil {
		return nil, err
	}
	cut := &Cut{Root: root, r: r}
	if err := r.watch(); err != nil {
		cut.Close()
		return nil, err
	}
	if err := r.load(); err != nil {
		cut.Close()
		return nil, err
	}
	if r.loose {
		r.again["/"] = r.tree[0].at
		cut.Zxid, cut.Server = c.LastZxid(), c.Server()
		err = r.spool.flush()
	} else {
		err = cut.close()
	}
	if err != nil {
		cut.Close()
		return nil, err
	}
	r.counts = c.Features()[zk.FeaturePzxid] == zk.Supported
	if r.again["/"] == gone {
		cut.Close()
		return nil, r.missing()
	}
	return cut, nil
}

// close reads what has changed until all that was read is of one state.
func (cut *Cut) close() error {
	for range maxRounds {
		cut.Rounds++
		paths, err := cut.r.changes.take()
		if err != nil {
			return err
		}
		paths[cut.Root] = true // so that there is something to ask for
		zxid, err := cut.r.readAgain(paths)
		if err != nil {
			return err
		}
		if zxid != 0 {
			cut.Zxid, cut.Server = zxid, cut.r.c.Server()
			return cut.r.spool.flush()
		}
	}
	return ErrBusy
}

// Close ends the watch and removes what was kept.
func (cut *Cut) Close() error {
	cut.r.stop()
	return cut.r.spool.close()
}

// Denied returns the znodes that the session may not read, by their paths from the root of the
// tree. They are missing from the cut, and so is all below them.
func (cut *Cut) Denied() []string {
	var paths []string
	for p := range cut.r.denied {
		paths = append(paths, cut.r.relative(p))
	}
	slices.SortFunc(paths, Compare)
	return paths
}

// relative returns a path of the server as one from the root of the tree.
func (r *reader) relative(path string) string {
	if r.root == "/" {
		return path
	}
	return "/" + strings.TrimPrefix(strings.TrimPrefix(path, r.root), "/")
}
