package integration

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zkfs/zkfs/flw"
	"github.com/zkfs/zkfs/zk"
)

// authority issues certificates for tests.
type authority struct {
	t    *testing.T
	dir  string // holds ca.pem and what issue writes
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.sign("authority", nil)
	writePEM(t, filepath.Join(a.dir, "ca.pem"), a.cert, nil)
	return a
}

// issue makes a certificate for localhost and 127.0.0.1, writes it with its key to dir/name.pem in the form that
// ZooKeeper reads, and returns both.
func (a *authority) issue(name string) tls.Certificate {
	a.t.Helper()
	cert, key := a.sign(name, a.cert)
	writePEM(a.t, filepath.Join(a.dir, name+".pem"), cert, key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// sign returns a new key with its certificate, signed by the parent's key, or by itself if parent is nil.
func (a *authority) sign(name string, parent *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	signer := a.key
	if parent == nil {
		template.IsCA, template.BasicConstraintsValid = true, true
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// writePEM writes the key, if any, and the certificate.
func writePEM(t *testing.T, path string, cert *x509.Certificate, key *ecdsa.PrivateKey) {
	t.Helper()
	var blocks []byte
	if key != nil {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		blocks = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	blocks = append(blocks, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	if err := os.WriteFile(path, blocks, 0o600); err != nil {
		t.Fatal(err)
	}
}

// clientConfig returns what a client needs to trust the authority's servers, with the certificates that it shows them.
func (a *authority) clientConfig(own ...tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return &tls.Config{RootCAs: pool, ServerName: "localhost", Certificates: own}
}

// tlsServer starts a server that has TLS at a second port, and returns that port's address once it answers. The
// server wants a client certificate if clientAuth is "need", none if it is "none".
func tlsServer(t *testing.T, a *authority, clientAuth string) (ts *zk.TestCluster, secure string) {
	t.Helper()
	a.issue("server")
	port := freePort(t)
	ts = cluster(t, 1, func(_ int, config *zk.ServerConfig, _ *zk.Server) {
		config.Extra = append(config.Extra,
			"serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
			fmt.Sprintf("secureClientPort=%d", port),
			"secureClientPortAddress=127.0.0.1",
			"ssl.keyStore.location="+filepath.Join(a.dir, "server.pem"),
			"ssl.trustStore.location="+filepath.Join(a.dir, "ca.pem"),
			"ssl.clientAuth="+clientAuth,
			"ssl.protocol=TLSv1.3",
			"ssl.enabledProtocols=TLSv1.2,TLSv1.3",
			"ssl.ciphersuites=TLS_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
		)
	})
	secure = fmt.Sprintf("127.0.0.1:%d", port)
	// It listens there a moment later than at the plain port.
	eventually(t, func() error {
		c, err := net.Dial("tcp", secure)
		if err == nil {
			c.Close()
		}
		return err
	})
	return ts, secure
}

// askTLS is ask over TLS.
func askTLS(addr, word string, config *tls.Config) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	defer cancel()
	client := flw.Client{Dial: (&tls.Dialer{Config: config}).DialContext}
	return client.Ask(ctx, addr, word)
}

func TestTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	_, secure := tlsServer(t, a, "none")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := a.clientConfig()
		config.MinVersion, config.MaxVersion = version, version
		if answer, err := askTLS(secure, "isro", config); err != nil || answer != "rw" {
			t.Errorf("%s: answer %q, error %v", tls.VersionName(version), answer, err)
		}
		c := connect(t, []string{secure}, zk.WithTLS(config))
		if _, err := c.Create(fmt.Sprintf("/n%x", version), nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
}

func TestTLSWithAClientCertificate(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	_, secure := tlsServer(t, a, "need")
	own := a.issue("client")
	if answer, err := askTLS(secure, "isro", a.clientConfig()); err == nil {
		t.Errorf("without a certificate: %q", answer)
	}
	if answer, err := askTLS(secure, "isro", a.clientConfig(own)); err != nil || answer != "rw" {
		t.Errorf("with a certificate: answer %q, error %v", answer, err)
	}
	config := a.clientConfig(own)
	config.ServerName = "" // the address of the connect string is verified
	c := connect(t, []string{secure}, zk.WithTLS(config))
	if _, err := c.Create("/n", nil, 0, []zk.ACL{{Perms: zk.PermAll, Scheme: "x509", ID: "CN=client"}}); err != nil {
		t.Error(err)
	}
	if who, err := c.WhoAmI(); err != nil || !slices.Contains(who, zk.Identity{Scheme: "x509", User: "CN=client"}) {
		t.Errorf("the server sees %v, %v", who, err)
	}
	other := connect(t, []string{secure}, zk.WithTLS(a.clientConfig(a.issue("other"))))
	if _, _, err := other.Get("/n"); !errors.Is(err, zk.ErrNoAuth) {
		t.Errorf("with another certificate: %v", err)
	}
}

// disconnected returns the reason that the client gives for not having connected to the server.
func disconnected(t *testing.T, server string, options ...func(*zk.Conn)) error {
	t.Helper()
	events := make(chan zk.Event, 100)
	connect(t, []string{server}, append(options, zk.WithConnectTimeout(hang), zk.WithEventCallback(func(e zk.Event) {
		select {
		case events <- e:
		default:
		}
	}))...)
	late := time.After(hang)
	for {
		select {
		case e := <-events:
			switch {
			case e.Err != nil:
				return e.Err
			case e.State == zk.StateHasSession:
				t.Error("connected")
				return nil
			}
		case <-late:
			t.Error("no end of the attempt to connect")
			return nil
		}
	}
}

func TestTLSErrorsTellWhatIsWrong(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	_, secure := tlsServer(t, a, "need")
	plain := addr(shared.Servers[0])
	own := a.issue("client")
	elsewhere, stranger := a.clientConfig(own), newAuthority(t)
	elsewhere.ServerName = "elsewhere.example"
	for name, test := range map[string]struct {
		server string
		option []func(*zk.Conn)
		want   string
	}{
		"certificate of another server":           {secure, []func(*zk.Conn){zk.WithTLS(elsewhere)}, "not elsewhere.example"},
		"certificate of an unknown authority":     {secure, []func(*zk.Conn){zk.WithTLS(&tls.Config{ServerName: "localhost"})}, "unknown authority"},
		"no client certificate":                   {secure, []func(*zk.Conn){zk.WithTLS(a.clientConfig())}, "certificate"},
		"client certificate of another authority": {secure, []func(*zk.Conn){zk.WithTLS(a.clientConfig(stranger.issue("client")))}, "certificate"},
		"no TLS at a port with TLS":               {secure, nil, "TLS"},
		"TLS at a port without":                   {plain, []func(*zk.Conn){zk.WithTLS(a.clientConfig(own))}, "TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			err := disconnected(t, test.server, test.option...)
			t.Log(err)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}
