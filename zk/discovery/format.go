package discovery

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
)

// Format is the form of the znodes of a service.
type Format int

const (
	// Curator is that of Curator's ServiceDiscovery with its JSON serializer: a znode for each
	// instance below base path and name.
	Curator Format = iota + 1
	// Serverset is that of Twitter's server sets, which Finagle, Aurora and Prometheus read: a
	// znode "member_" and ten digits for each instance.
	Serverset
)

// equal reports whether two instances are the same.
func (i Instance) equal(o Instance) bool {
	return i.ID == o.ID && i.Endpoint == o.Endpoint && i.SecurePort == o.SecurePort &&
		maps.Equal(i.Endpoints, o.Endpoints) && i.Disabled == o.Disabled && i.Shard == o.Shard &&
		i.Registered.Equal(o.Registered) && bytes.Equal(i.Payload, o.Payload)
}

// newID returns a name that no other instance has.
func (f Format) newID() string {
	var b [16]byte
	rand.Read(b[:])
	if f == Serverset {
		// The number that servers append would not do: a lost reply would leave two members.
		return fmt.Sprintf("member_%010d", binary.BigEndian.Uint64(b[:])%1e10)
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (f Format) encode(service string, i Instance) ([]byte, error) {
	switch f {
	case Curator:
		return json.Marshal(curatorOf(service, i))
	case Serverset:
		return json.Marshal(memberOf(i))
	}
	return nil, errors.New("discovery: unknown format")
}

func (f Format) decode(data []byte) (Instance, error) {
	switch f {
	case Curator:
		var s serviceInstance
		err := json.Unmarshal(data, &s)
		return s.instance(), err
	case Serverset:
		var m member
		err := json.Unmarshal(data, &m)
		return m.instance(), err
	}
	return Instance{}, errors.New("discovery: unknown format")
}

// serviceInstance is Curator's ServiceInstance in JSON.
type serviceInstance struct {
	Name         string          `json:"name"`
	ID           string          `json:"id"`
	Address      string          `json:"address"`
	Port         *int            `json:"port"`
	SSLPort      *int            `json:"sslPort"`
	Payload      json.RawMessage `json:"payload"`
	Registration int64           `json:"registrationTimeUTC"`
	ServiceType  string          `json:"serviceType"`
	URISpec      json.RawMessage `json:"uriSpec"`
	Enabled      *bool           `json:"enabled"` // since Curator 4; missing is true
}

func curatorOf(service string, i Instance) serviceInstance {
	enabled := !i.Disabled
	return serviceInstance{
		Name: service, ID: i.ID, Address: i.Host,
		Port: portOf(i.Port), SSLPort: portOf(i.SecurePort), Payload: i.Payload,
		Registration: i.Registered.UnixMilli(), ServiceType: "DYNAMIC", Enabled: &enabled,
	}
}

// portOf returns nil, which is JSON's null, for no port.
func portOf(port int) *int {
	if port == 0 {
		return nil
	}
	return &port
}

func (s serviceInstance) instance() Instance {
	i := Instance{Endpoint: Endpoint{Host: s.Address}, Registered: time.UnixMilli(s.Registration)}
	if s.Port != nil {
		i.Port = *s.Port
	}
	if s.SSLPort != nil {
		i.SecurePort = *s.SSLPort
	}
	if string(s.Payload) != "null" {
		i.Payload = s.Payload
	}
	i.Disabled = s.Enabled != nil && !*s.Enabled
	return i
}

// member is that of a server set in JSON.
type member struct {
	Service    Endpoint            `json:"serviceEndpoint"`
	Additional map[string]Endpoint `json:"additionalEndpoints"`
	Status     string              `json:"status"`
	Shard      int                 `json:"shard"`
}

// alive is the only status of a member that is to be used.
const alive = "ALIVE"

func memberOf(i Instance) member {
	m := member{i.Endpoint, i.Endpoints, alive, i.Shard}
	if m.Additional == nil {
		m.Additional = map[string]Endpoint{} // readers want an object
	}
	if i.Disabled {
		m.Status = "STOPPED"
	}
	return m
}

func (m member) instance() Instance {
	i := Instance{Endpoint: m.Service, Endpoints: m.Additional, Shard: m.Shard}
	i.Disabled = m.Status != alive
	if len(i.Endpoints) == 0 {
		i.Endpoints = nil
	}
	return i
}
