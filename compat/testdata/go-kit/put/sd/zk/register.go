package zk

import (
	"context"
	"crypto/rand"
	"strings"

	"github.com/zkfs/zkfs/zk/recipes"
)

// registration is the znode of a service, nil while it is not registered.
type registration struct{ node *recipes.PersistentNode }

// Register implements Client. The service stays registered across sessions until Deregister or Stop.
func (c *client) Register(s *Service) error {
	s.Path = strings.TrimSuffix(s.Path, "/") + "/"
	path := s.Path + strings.TrimSuffix(s.Name, "/")
	if err := c.CreateParentNodes(path); err != nil {
		return err
	}
	s.node = recipes.Persist(context.Background(), c.Conn, path+"/"+rand.Text(), s.Data, c.acl)
	return s.node.Wait(context.Background())
}

// Deregister implements Client.
func (c *client) Deregister(s *Service) error {
	if s.node == nil {
		return ErrNotRegistered
	}
	node := s.node
	s.node = nil
	return node.Close(context.Background())
}
