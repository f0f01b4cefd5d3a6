package zk

import (
	"strings"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// Identity is one of the identities that a session has on its connection.
type Identity struct {
	Scheme string
	User   string
}

// WhoAmI returns the identities of the session (3.7 on, else ErrUnimplemented). Password hashes are not among them.
func (c *Conn) WhoAmI() ([]Identity, error) {
	cl := c.newCall(wire.OpWhoAmI)
	if err := c.do(cl); err != nil {
		return nil, err
	}
	defer cl.free()
	var r wire.WhoAmIResponse
	if err := c.decode(cl, r.Decode); err != nil {
		return nil, err
	}
	list := make([]Identity, len(r.ClientInfo))
	for i, info := range r.ClientInfo {
		list[i] = Identity{info.AuthScheme, info.User}
	}
	return list, nil
}

// Ephemerals returns the paths of the session's ephemeral znodes that begin with prefix (3.6 on, else ErrUnimplemented).
// Those outside the chroot, and what can not be a path, are left out.
func (c *Conn) Ephemerals(prefix string) ([]string, error) {
	p, err := c.serverPath(prefix)
	if err != nil {
		return nil, err
	}
	cl := c.newCall(wire.OpGetEphemerals)
	cl.body = (&wire.GetEphemeralsRequest{PrefixPath: p}).Append(cl.body)
	if err := c.do(cl); err != nil {
		return nil, err
	}
	defer cl.free()
	var r wire.GetEphemeralsResponse
	if err := c.decode(cl, r.Decode); err != nil {
		return nil, err
	}
	return c.receivedPaths(r.Ephemerals), nil
}

// AllChildrenNumber returns how many znodes are below path, at any depth (3.6 on, else ErrUnimplemented).
func (c *Conn) AllChildrenNumber(path string) (int, error) {
	p, err := c.serverPath(path)
	if err != nil {
		return 0, err
	}
	cl := c.newCall(wire.OpGetAllChildrenNumber)
	cl.body = (&wire.GetAllChildrenNumberRequest{Path: p}).Append(cl.body)
	if err := c.do(cl); err != nil {
		return 0, err
	}
	defer cl.free()
	var r wire.GetAllChildrenNumberResponse
	if err := c.decode(cl, r.Decode); err != nil {
		return 0, err
	}
	return int(r.TotalNumber), nil
}

// IncrementalReconfig adds and removes servers of the ensemble (3.5 on). joining are lines as in its configuration, "server.3=host:2888:3888;2181",
// leaving are numbers. version is that of the configuration to be changed, -1 for whatever it is; the
// Stat is that of the znode which holds the configuration. Errors: ErrReconfigDisabled, ErrReconfigInProgress, ErrNewConfigNoQuorum,
// ErrBadVersion, ErrNoAuth.
func (c *Conn) IncrementalReconfig(joining, leaving []string, version int64) (*Stat, error) {
	return c.reconfig(&wire.ReconfigRequest{
		JoiningServers: strings.Join(joining, ","), LeavingServers: strings.Join(leaving, ","), CurConfigID: version})
}

// Reconfig replaces the servers of the ensemble by members, otherwise as [Conn.IncrementalReconfig].
func (c *Conn) Reconfig(members []string, version int64) (*Stat, error) {
	return c.reconfig(&wire.ReconfigRequest{NewMembers: strings.Join(members, ","), CurConfigID: version})
}

func (c *Conn) reconfig(request *wire.ReconfigRequest) (*Stat, error) {
	cl := c.newCall(wire.OpReconfig)
	cl.body = request.Append(cl.body)
	if err := c.do(cl); err != nil {
		return nil, err
	}
	defer cl.free()
	var r wire.GetDataResponse
	if err := c.decode(cl, r.Decode); err != nil {
		return nil, err
	}
	return statOf(&r.Stat), nil
}
