package gssapi_test

import (
	"fmt"
	"log"
	"os"
	"time"

	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/gssapi"
)

// A service authenticates with its keytab.
func Example() {
	kerberos, err := gssapi.New(gssapi.Config{Principal: "billing@EXAMPLE.COM", Keytab: "/etc/billing.keytab"})
	if err != nil {
		log.Fatal(err)
	}
	c, _, err := zk.Connect([]string{"zk1.example.com", "zk2.example.com"}, 10*time.Second, zk.WithSASL(kerberos))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	identities, err := c.WhoAmI()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(identities) // such as [{ip 10.0.0.7} {sasl billing@EXAMPLE.COM}]
}

// A person has run kinit.
func ExampleNew() {
	kerberos, err := gssapi.New(gssapi.Config{Cache: os.Getenv("KRB5CCNAME")})
	if err != nil {
		log.Fatal(err)
	}
	c, _, err := zk.Connect([]string{"zk1.example.com"}, 10*time.Second, zk.WithSASL(kerberos))
	if err != nil {
		log.Fatal(err)
	}
	c.Close()
}
