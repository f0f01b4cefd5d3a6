package main

import (
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
	"time"

	peer "github.com/go-zookeeper/zk"

	"github.com/zkfs/zkfs/zk"
)

// nettyServer is a server that serves by Netty, as all that have TLS do, at a plain port and at one with TLS.
type nettyServer struct {
	*server
	secure string
	tls    *tls.Config
}

func startNetty() (*nettyServer, error) {
	dir, err := os.MkdirTemp("", "zkfs-bench-tls-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	key, cert, err := selfSigned()
	if err != nil {
		return nil, err
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(cert) {
		return nil, errors.New("the certificate made for the server is none")
	}
	keyFile, certFile := filepath.Join(dir, "server.pem"), filepath.Join(dir, "cert.pem")
	err = errors.Join(os.WriteFile(keyFile, append(key, cert...), 0o600), os.WriteFile(certFile, cert, 0o600))
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s, err := startServer(
		"serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
		fmt.Sprintf("secureClientPort=%d", port),
		"secureClientPortAddress=127.0.0.1",
		"ssl.keyStore.location="+keyFile,
		"ssl.trustStore.location="+certFile,
		"ssl.clientAuth=none",
		"ssl.protocol=TLSv1.3",
		"ssl.enabledProtocols=TLSv1.3",
		"ssl.ciphersuites=TLS_AES_128_GCM_SHA256",
	)
	if err != nil {
		return nil, err
	}
	n := &nettyServer{s, fmt.Sprintf("127.0.0.1:%d", port), &tls.Config{RootCAs: trusted, ServerName: "localhost"}}
	if err := n.await(); err != nil {
		s.stop()
		return nil, err
	}
	return n, nil
}

// await returns when the port with TLS serves, a moment later than the other.
func (n *nettyServer) await() error {
	var err error
	for range 100 {
		var c *tls.Conn
		if c, err = tls.Dial("tcp", n.secure, n.tls); err == nil {
			return c.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// selfSigned returns a key and its certificate for localhost.
func selfSigned() (keyPEM, certPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "localhost"}, // Java wants one
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		DNSNames:     []string{"localhost"},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// nettyParts runs the comparisons that need such a server.
func nettyParts(r *report) error {
	n, err := startNetty()
	if err != nil {
		return err
	}
	defer n.stop()
	if err := clientAndNetty(r, n); err != nil {
		return err
	}
	return manyWatches(r, n.addr)
}

// clientAndNetty compares the clients at a server of that kind. go-zookeeper gets TLS by its dialer.
func clientAndNetty(r *report, n *nettyServer) error {
	if err := getsAt(r, "Netty", n.addr, func(*peer.Conn) {}, func(*zk.Conn) {}); err != nil {
		return err
	}
	dialer := peer.WithDialer(func(network, address string, timeout time.Duration) (net.Conn, error) {
		return tls.DialWithDialer(&net.Dialer{Timeout: timeout}, network, address, n.tls)
	})
	return getsAt(r, "Netty with TLS", n.secure, dialer, zk.WithTLS(n.tls))
}

// getsAt compares Get by 256, together and as a request for each.
func getsAt(r *report, where, addr string, peerOption func(*peer.Conn), option zk.Option) error {
	a, err := dialPeer(addr, peerOption)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := dialOurs(addr, option)
	if err != nil {
		return err
	}
	defer b.Close()
	single, err := dialOurs(addr, option, zk.WithSingleReads())
	if err != nil {
		return err
	}
	defer single.Close()
	loads := []load{{256, 40000}}
	if err := gets(r, where, a, b, leafOf(0), loads); err != nil {
		return err
	}
	return gets(r, where+", a request for each", a, single, leafOf(0), loads)
}
