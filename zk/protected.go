package zk

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
)

// protectedPrefix begins the name of a protected znode; 32 hexadecimal digits and a dash follow (Curator's ProtectedUtils).
const protectedPrefix = "_c_"

// CreateProtectedEphemeralSequential creates an ephemeral sequential znode, whose name it
// lets begin with "_c_" and a random id. When the connection is lost before the reply has come, it finds the
// znode by that id on the next one, so that there is one znode, and its name is returned, whatever happens meanwhile. It gives
// up with the session: ErrSessionExpired. If the context of c ends first, a znode that was created is deleted.
func (c *Conn) CreateProtectedEphemeralSequential(path string, data []byte, acl []ACL) (string, error) {
	if err := validateCreate(path, true); err != nil {
		return "", err
	}
	p := protected{c: c, dir: parent(path), id: newProtection(), session: c.SessionID()}
	p.path = join(p.dir, p.id+path[strings.LastIndexByte(path, '/')+1:])
	created, err := p.create(data, acl)
	var interrupted *InterruptedError
	if errors.As(err, &interrupted) && p.sent {
		bg := p
		bg.c = background(c)
		go bg.discard() // ends when the znode is gone or the session has ended
	}
	return created, err
}

// protected is one protected create.
type protected struct {
	c       *Conn
	dir     string // the parent
	id      string // with which the name begins
	path    string
	session int64
	sent    bool // the server may have created the znode
}

func newProtection() string {
	var id [16]byte
	rand.Read(id[:])
	return protectedPrefix + hex.EncodeToString(id[:]) + "-"
}

func (p *protected) create(data []byte, acl []ACL) (string, error) {
	for {
		created, err := p.c.Create(p.path, data, FlagEphemeralSequential, acl)
		if err == nil {
			return created, nil
		}
		p.sent = p.sent || MaybeApplied(err)
		if !errors.Is(err, ErrConnectionClosed) && !(p.sent && errors.Is(err, ErrNoServer)) {
			return "", err
		}
		if created, err = p.find(); created != "" || err != nil {
			return created, err
		}
	}
}

// find returns the path of the znode, "" if there is none. It goes on until a server answers.
func (p *protected) find() (string, error) {
	for {
		path, err := p.look()
		if !errors.Is(err, ErrConnectionClosed) && !errors.Is(err, ErrNoServer) {
			return path, err
		}
	}
}

// look asks the server once. The sync is for the case that this one lags behind that which created the znode.
func (p *protected) look() (string, error) {
	if _, err := p.c.Sync(p.dir); err != nil {
		return "", err
	}
	if p.session != 0 && p.c.SessionID() != p.session {
		return "", ErrSessionExpired
	}
	names, _, err := p.c.Children(p.dir)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if strings.HasPrefix(name, p.id) {
			return join(p.dir, name), nil
		}
	}
	return "", nil
}

// discard deletes the znode, if there is one.
func (p *protected) discard() {
	if path, err := p.find(); err == nil && path != "" {
		p.c.discard(path, p.session)
	}
}

// discard deletes an ephemeral znode of the given session, and goes on until it is gone.
func (c *Conn) discard(path string, session int64) {
	for c.SessionID() == session {
		err := c.Delete(path, -1)
		if !errors.Is(err, ErrConnectionClosed) && !errors.Is(err, ErrNoServer) {
			return
		}
	}
}

// join returns the path of a child of dir.
func join(dir, name string) string {
	if dir == "/" {
		return dir + name
	}
	return dir + "/" + name
}
