// Package discovery registers the instances of a service, and tells which there are, in the formats
// of Curator's service discovery and of Twitter's serversets.
//
//	r := discovery.Register(ctx, conn, "/services/web", discovery.Curator, instance, acl)
//	defer r.Close(ctx)
//
//	web := discovery.Watch(ctx, conn, "/services/web", discovery.Curator)
//	defer web.Close()
//	for instances := range web.Changes(ctx) { // those of now, and again after each change
//		balancer.Use(instances)
//	}
//
// A registration is only as true as the session of its process: a process that
// has died is shown until its session has expired, and one that is cut off vanishes although it may
// still serve. See [recipes.PersistentNode] and [cache.Cache], on which both sides stand, for what
// a reconnect and the end of the session do.
package discovery

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/cache"
	"github.com/zkfs/zkfs/zk/recipes"
	"github.com/zkfs/zkfs/zk/znode"
)

// An Endpoint is where a service listens.
type Endpoint struct {
	Host string `json:"host"`
	Port int    `json:"port"`
}

// An Instance is one process of a service. A format that has no place for a field leaves it out.
type Instance struct {
	ID string // the name of its znode; Register chooses one if it is empty
	Endpoint
	SecurePort int                 // with TLS, 0 for none (Curator)
	Endpoints  map[string]Endpoint // further ones by their names (Serverset)
	Disabled   bool                // registered, but not to be used
	Shard      int                 // (Serverset)
	Registered time.Time           // Register fills it in where it is zero (Curator)
	Payload    []byte              // JSON, nil for none (Curator)
}

// A Registration is an instance that is registered until Close.
type Registration struct {
	node    *recipes.PersistentNode
	service string
	format  Format
	id      string
}

// Register registers an instance of the service at path until Close or the end of ctx. Missing
// znodes are made with acl. The last name of path is the name of the service for Curator.
func Register(
	ctx context.Context, c *zk.Conn, path string, f Format, i Instance, acl []zk.ACL,
) (*Registration, error) {
	_, service := znode.Split(path)
	if i.ID == "" {
		i.ID = f.newID()
	}
	if i.Registered.IsZero() {
		i.Registered = time.Now()
	}
	if strings.Contains(i.ID, "/") {
		return nil, fmt.Errorf("discovery: the id %q is no name of a znode", i.ID)
	}
	data, err := f.encode(service, i)
	if err != nil {
		return nil, err
	}
	node := recipes.Persist(ctx, c, znode.Join(path, i.ID), data, acl)
	return &Registration{node, service, f, i.ID}, nil
}

// ID returns the name of the znode.
func (r *Registration) ID() string { return r.id }

// Wait returns when the instance was registered for the first time, see
// [recipes.PersistentNode.Wait].
func (r *Registration) Wait(ctx context.Context) error { return r.node.Wait(ctx) }

// Update replaces what is registered; the ID stays.
func (r *Registration) Update(ctx context.Context, i Instance) error {
	i.ID = r.id
	if i.Registered.IsZero() {
		i.Registered = time.Now()
	}
	data, err := r.format.encode(r.service, i)
	if err != nil {
		return err
	}
	return r.node.Set(ctx, data)
}

// Close ends the registration, see [recipes.PersistentNode.Close].
func (r *Registration) Close(ctx context.Context) error { return r.node.Close(ctx) }

// A Service is what is known about the instances of a service.
type Service struct {
	cache  *cache.Cache
	path   string
	format Format
}

// Watch starts to follow the service at path, which may be missing, until Close or the end of ctx.
func Watch(ctx context.Context, c *zk.Conn, path string, f Format) *Service {
	return &Service{cache.OfChildren(ctx, c, path), path, f}
}

// Wait returns when the instances are known, see [cache.Cache.Wait].
func (s *Service) Wait(ctx context.Context) error { return s.cache.Wait(ctx) }

// Cache returns the cache of the znodes.
func (s *Service) Cache() *cache.Cache { return s.cache }

// Close ends the watch.
func (s *Service) Close() { s.cache.Close() }

// Instances returns the instances in the order of their IDs, without a request. Those that are
// [Instance.Disabled] are among them, znodes of another form are not: see [Service.Broken].
func (s *Service) Instances() []Instance {
	instances, _ := s.read()
	return instances
}

// Broken returns why znodes are not instances, by their names.
func (s *Service) Broken() map[string]error {
	_, broken := s.read()
	return broken
}

func (s *Service) read() (instances []Instance, broken map[string]error) {
	broken = map[string]error{}
	for e := range s.cache.Walk(s.path) {
		if e.Path == s.path {
			continue
		}
		_, name := znode.Split(e.Path)
		i, err := s.format.decode(e.Data)
		if err != nil {
			broken[name] = err
			continue
		}
		i.ID = name
		instances = append(instances, i)
	}
	return instances, broken
}

// Changes returns the instances, and again after each change, until ctx or the watch ends. Changes
// that come while the loop is busy are told as one.
func (s *Service) Changes(ctx context.Context) iter.Seq[[]Instance] {
	return func(yield func([]Instance) bool) {
		told, loaded := []Instance(nil), false
		for change := range s.cache.Changes(ctx) {
			first := change.Kind == cache.Loaded
			if loaded = loaded || first; !loaded {
				continue
			}
			now := s.Instances()
			if !first && slices.EqualFunc(now, told, Instance.equal) {
				continue
			}
			if told = now; !yield(slices.Clone(now)) {
				return
			}
		}
	}
}
