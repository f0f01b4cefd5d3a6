package recipes

import (
	"context"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/cache"
	"github.com/zkfs/zkfs/zk/znode"
)

// Group is the set of processes that have joined, each an ephemeral child of one znode. A process
// that has died stays a member until its session has expired, and a process that is cut off is
// missed by the others before it knows.
//
// The own membership is a [PersistentNode]: it survives reconnects and is renewed after expiry. The
// members come from a [cache.Cache]: after a reconnect they are revalidated, and while no server
// answers, those that were known last are shown.
//
// It is Curator's GroupMember. kazoo's Party counts members whose names contain "__party__".
type Group struct {
	own     *PersistentNode
	members *cache.Cache
	path    string
}

// Join makes this process the member of that name in the group at path, with data, until Leave or
// the end of ctx. If another process has the name, it joins when that one has left.
func Join(ctx context.Context, c *zk.Conn, path, name string, data []byte, acl []zk.ACL) *Group {
	return &Group{
		own:     Persist(ctx, c, znode.Join(path, name), data, acl),
		members: cache.OfChildren(ctx, c, path),
		path:    path,
	}
}

// Wait returns when this process is a member and the others are known.
func (g *Group) Wait(ctx context.Context) error {
	if err := g.own.Wait(ctx); err != nil {
		return err
	}
	return g.members.Sync(ctx)
}

// Members returns the data of the members by their names, without a request.
func (g *Group) Members() map[string][]byte {
	members := map[string][]byte{}
	for e := range g.members.Walk(g.path) {
		if e.Path != g.path {
			_, name := znode.Split(e.Path)
			members[name] = e.Data
		}
	}
	return members
}

// Set replaces the data of this member.
func (g *Group) Set(ctx context.Context, data []byte) error { return g.own.Set(ctx, data) }

// Cache returns the cache of the members, whose Changes tell of each that comes and goes.
func (g *Group) Cache() *cache.Cache { return g.members }

// Leave ends the membership and the cache, as [PersistentNode.Close] does.
func (g *Group) Leave(ctx context.Context) error {
	g.members.Close()
	return g.own.Close(ctx)
}
