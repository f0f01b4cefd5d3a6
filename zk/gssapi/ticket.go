package gssapi

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/zkfs/zkfs/zk"
)

// A ticket lets its client in at one server until it ends.
type ticket struct {
	messages.Ticket
	key   types.EncryptionKey // of the session between client and server
	cname types.PrincipalName
	realm string // of cname
	end   time.Time
}

// A login is what tickets are asked with.
type login struct {
	client *client.Client
	cache  *credentials.CCache // nil with a password or keytab
}

// login reads the credentials. The library's client is used for one request only: it would keep a goroutine
// running for each ticket of a KDC that it holds.
func (m *mechanism) login() (l *login, err error) {
	defer recovered(&err)
	cfg := m.cfg
	if n := count(cfg.Password != "", cfg.Keys != nil, cfg.Keytab != "", cfg.Cache != ""); n != 1 {
		return nil, fmt.Errorf("%d of Password, Keys, Keytab and Cache are given, where one is needed", n)
	}
	if cfg.Cache != "" {
		cache, err := credentials.LoadCCache(strings.TrimPrefix(cfg.Cache, "FILE:"))
		if err != nil {
			return nil, fmt.Errorf("credential cache: %w", err)
		}
		c, err := client.NewFromCCache(cache, m.conf)
		if err != nil {
			return nil, fmt.Errorf("credential cache %s: %w", cfg.Cache, err)
		}
		return &login{c, cache}, nil
	}
	name, realm, ok := strings.Cut(cfg.Principal, "@")
	if !ok {
		realm = m.conf.LibDefaults.DefaultRealm
	}
	if name == "" || realm == "" {
		return nil, fmt.Errorf("principal %q: a name and a realm are needed", cfg.Principal)
	}
	if cfg.Password != "" {
		return &login{client: client.NewWithPassword(name, realm, cfg.Password, m.conf)}, nil
	}
	keys, err := keysOf(cfg)
	if err != nil {
		return nil, fmt.Errorf("keytab: %w", err)
	}
	return &login{client: client.NewWithKeytab(name, realm, keys, m.conf)}, nil
}

// keysOf reads a keytab. The library's error may have the keys in it.
func keysOf(cfg Config) (keys *keytab.Keytab, err error) {
	text := cfg.Keys
	if cfg.Keytab != "" {
		if text, err = os.ReadFile(cfg.Keytab); err != nil {
			return nil, err
		}
	}
	keys = keytab.New()
	if keys.Unmarshal(text) != nil {
		return nil, errors.New("invalid or truncated")
	}
	return keys, nil
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

// request asks the KDCs for a ticket for the server.
func (m *mechanism) request(server string) (t *ticket, err error) {
	defer recovered(&err)
	l, err := m.login()
	if err != nil {
		return nil, err
	}
	defer l.client.Destroy()
	home := l.client.Credentials.Domain()
	tgt, key, err := l.ticketGranting(home)
	if err != nil {
		return nil, refusal(err)
	}
	name, realm := m.serverName(server, home)
	if realm != home {
		_, reply, err := l.client.TGSREQGenerateAndExchange(ticketService(realm), home, tgt, key, false)
		if err != nil {
			return nil, refusal(err)
		}
		tgt, key = reply.Ticket, reply.DecryptedEncPart.Key
	}
	_, reply, err := l.client.TGSREQGenerateAndExchange(name, realm, tgt, key, false)
	if err != nil {
		return nil, refusal(err)
	}
	part := reply.DecryptedEncPart
	return &ticket{Ticket: reply.Ticket, key: part.Key, cname: reply.CName, realm: reply.CRealm, end: part.EndTime}, nil
}

// ticketGranting returns the ticket with which others are asked for, and its key.
func (l *login) ticketGranting(realm string) (tgt messages.Ticket, key types.EncryptionKey, err error) {
	if l.cache == nil {
		request, err := messages.NewASReqForTGT(realm, l.client.Config, l.client.Credentials.CName())
		if err != nil {
			return tgt, key, err
		}
		reply, err := l.client.ASExchange(realm, request, 0)
		return reply.Ticket, reply.DecryptedEncPart.Key, err
	}
	entry, _ := l.cache.GetEntry(ticketService(realm)) // NewFromCCache has found it
	if time.Now().After(entry.EndTime) {
		return tgt, key, fmt.Errorf("the credential cache has expired at %v: run kinit", entry.EndTime)
	}
	err = tgt.Unmarshal(entry.Ticket)
	return tgt, entry.Key, err
}

// serverName splits the principal of a server.
func (m *mechanism) serverName(server, home string) (name types.PrincipalName, realm string) {
	primary, realm, ok := strings.Cut(server, "@")
	if !ok {
		_, host, _ := strings.Cut(primary, "/")
		if realm = m.conf.ResolveRealm(host); realm == "" {
			realm = home
		}
	}
	return types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, primary), realm
}

// ticketService returns the name of the service of the client's KDC that issues tickets of the realm.
func ticketService(realm string) types.PrincipalName {
	return types.PrincipalName{NameType: nametype.KRB_NT_SRV_INST, NameString: []string{"krbtgt", realm}}
}

// refusals are the answers of a KDC which say that the client's credentials are no good (RFC 4120 section 7.5.9). The
// library hands them on as text only.
var refusals = []string{
	"KDC_ERR_C_PRINCIPAL_UNKNOWN", "KDC_ERR_CLIENT_REVOKED", "KDC_ERR_KEY_EXPIRED", "KDC_ERR_PREAUTH_FAILED", "KDC_ERR_NAME_EXP",
	"client password/keytab incorrect", "matching key not found in keytab",
}

// refusal wraps zk.ErrAuthFailed into an error that repetition will not cure.
func refusal(err error) error {
	for _, s := range refusals {
		if strings.Contains(err.Error(), s) {
			return fmt.Errorf("%w: %w", zk.ErrAuthFailed, err)
		}
	}
	return err
}

// recovered makes an error of a panic in the library, which indexes into the files and replies that it parses.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = errors.Join(*err, fmt.Errorf("malformed: %v", r))
	}
}
