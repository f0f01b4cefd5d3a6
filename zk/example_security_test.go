package zk_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// The servers' certificates are signed by an authority of their own, and they want one from the client.
func ExampleWithTLS() {
	authority, err := os.ReadFile("/etc/zookeeper/ca.pem")
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	own, err := tls.LoadX509KeyPair("/etc/alice/cert.pem", "/etc/alice/key.pem")
	if err != nil {
		log.Fatal(err)
	}
	servers := []string{"zk1.example.com:2281", "zk2.example.com:2281", "zk3.example.com:2281"}
	c, _, err := zk.Connect(servers, 10*time.Second, zk.WithTLS(&tls.Config{
		RootCAs:      roots,
		Certificates: []tls.Certificate{own},
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	identities, err := c.WhoAmI()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(identities) // such as [{ip 10.0.0.7} {x509 CN=alice}]
}

// Only bob may read the znode. When the server refuses him, Create returns an error that wraps ErrAuthFailed.
func ExampleWithSASL() {
	bob := zk.DigestMD5("bob", os.Getenv("BOB_PASSWORD"))
	c, _, err := zk.Connect([]string{"zk1.example.com"}, 10*time.Second, zk.WithSASL(bob))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	only := []zk.ACL{{Perms: zk.PermAll, Scheme: "sasl", ID: "bob"}}
	if _, err := c.Create("/bob", []byte("secret"), 0, only); err != nil {
		log.Fatal(err)
	}
}

// A password that another program changes is read again for each connection. A file that can not
// be read at that moment changes nothing.
func ExampleWithSecrets() {
	var mu sync.Mutex
	var read string
	var secrets *zk.Secrets
	current := func() *zk.Secrets {
		mu.Lock()
		defer mu.Unlock()
		text, err := os.ReadFile("/etc/app/password")
		if err == nil && (secrets == nil || string(text) != read) {
			read = string(text)
			secrets = &zk.Secrets{SASL: zk.DigestMD5("app", strings.TrimSpace(read))}
		}
		return secrets
	}
	if current() == nil {
		log.Fatal("no password")
	}
	c, _, err := zk.Connect([]string{"zk1.example.com"}, 10*time.Second, zk.WithSecrets(current))
	if err != nil {
		log.Fatal(err)
	}
	c.Close()
}

// The scheme "digest" sends the password as it is: use it over TLS.
func ExampleWithAuth() {
	c, _, err := zk.Connect([]string{"zk1.example.com:2281"}, 10*time.Second,
		zk.WithTLS(&tls.Config{}),
		zk.WithAuth("digest", []byte("bob:"+os.Getenv("BOB_PASSWORD"))))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	// AuthACL stands for the identities of this connection.
	if _, err := c.Create("/bob", []byte("secret"), 0, zk.AuthACL(zk.PermAll)); err != nil {
		log.Fatal(err)
	}
}

// The creator of a znode reads it, and a client without its credentials does not.
func ExampleConn_AddAuth() {
	server := zktest.NewServer()
	defer server.Close()
	dial := func() *zk.Conn {
		c, _, err := zk.Connect([]string{server.Addr()}, 10*time.Second, zk.WithLogger(silence{}))
		if err != nil {
			log.Fatal(err)
		}
		return c
	}
	bob, stranger := dial(), dial()
	defer bob.Close()
	defer stranger.Close()
	if err := bob.AddAuth("digest", []byte("bob:secret")); err != nil {
		log.Fatal(err)
	}
	if _, err := bob.Create("/bob", []byte("mine"), 0, zk.AuthACL(zk.PermAll)); err != nil {
		log.Fatal(err)
	}
	data, _, err := bob.Get("/bob")
	fmt.Printf("bob: %q, %v\n", data, err)
	data, _, err = stranger.Get("/bob")
	fmt.Printf("a stranger: %q, %v\n", data, err)
	// Output:
	// bob: "mine", <nil>
	// a stranger: "", zk: not authenticated
}
