//go:build ignore

// Capture records what a real ZooKeeper answers to the requests of the protocol, as test vectors:
//
//	go run ./zk/internal/wire/testdata/capture.go 127.0.0.1:2181 >zk/internal/wire/testdata/VERSION.txt
//
// It wants an empty server of its own with extendedTypesEnabled=true. Each frame is a line of text, with > for requests
// and < for what comes from the server, and a line with all its bytes in hexadecimal.
package main

import (
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// connections has the requests of each connection.
var connections = [...]string{`
createSession timeOut=10000 passwd=""
getData path="/missing"
exists path="/a" watch
create path="/a" data="hello" $ACL
exists path="/a"
getData path="/a" watch
setData path="/a" data=""
getData path="/a" watch
setData path="/a" data="x" version=7
setData path="/a" version=-1
getData path="/a"
getChildren path="/a" watch
create2 path="/a/\u00fc" data="\x00\xff" $ACL flags=1
create path="/a/s-" $ACL flags=2
create path="/a" $ACL
create path="/b/c" $ACL
createContainer path="/c" data="c" $ACL flags=4
createTTL path="/t" data="t" $ACL flags=5 ttl=600000
createTTL path="/t2" $ACL flags=5 ttl=-1
getChildren path="/a"
getChildren2 path="/a"
getChildren path="/c"
getChildren path="/missing" watch
getEphemerals prefixPath="/"
getAllChildrenNumber path="/a"
getACL path="/a"
sync path="/a"
auth scheme="digest" auth="user:password"
whoAmI
setACL path="/c" acl=[{perms=1 scheme="auth"} {perms=31 scheme="world" id="anyone"}] version=0
setACL path="/c" $ACL
getACL path="/c"
delete path="/c" version=3
delete path="/a" version=-1
addWatch path="/t" mode=1
addWatch path="/t" mode=9
create path="/t/u" $ACL
checkWatches path="/t" type=any
removeWatches path="/t" type=any
removeWatches path="/t" type=data
setWatches relativeZxid=1 dataWatches=["/a"] existWatches=["/b" "/t"] childWatches=["/a"]
setWatches2 relativeZxid=1 dataWatches=["/a"] persistentWatches=["/t"] persistentRecursiveWatches=["/c"]
setData path="/t" data="u" version=-1
multi ops=[check{path="/a" version=2} create{path="/m" data="m" $ACL} create2{path="/n" $ACL} setData{path="/m" data="" version=-1} delete{path="/n" version=-1} createContainer{path="/o" $ACL flags=4} createTTL{path="/p" $ACL flags=5 ttl=1}]
multi ops=[create{path="/q" $ACL} check{path="/a" version=99} delete{path="/m" version=-1}]
multi
multiRead ops=[getData{path="/a"} getChildren{path="/a"} getData{path="/missing"}]
multiRead ops=[delete{path="/a" version=-1}]
reconfig newMembers="server.1=127.0.0.1:1:2;3" curConfigID=-1
getData path="/zookeeper/config"
getData path="not absolute"
ping
closeSession`, `
createSession timeOut=10000 passwd=""
auth scheme="nonesuch" auth=""`, `
createSession timeOut=10000 passwd=""
99`, `
createSession timeOut=10000 sessionID=0x1234 passwd="0123456789abcdef"`, `
createSession timeOut=10000 lastZxidSeen=0x7fffffff passwd="" readOnly`,
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: capture host:port")
	}
	fmt.Println("# Recorded by capture.go.")
	for _, requests := range connections {
		c, err := net.DialTimeout("tcp", os.Args[1], 5*time.Second)
		if err != nil {
			log.Fatal(err)
		}
		capture(c, strings.Split(strings.TrimSpace(requests), "\n"))
		c.Close()
	}
}

// capture sends the requests one by one and prints everything up to the reply of each.
func capture(c net.Conn, requests []string) {
	fmt.Println("\n# connection")
	for i, text := range requests {
		text = strings.ReplaceAll(text, "$ACL", `acl=[{perms=31 scheme="world" id="anyone"}]`)
		request, err := wire.ParseRequest(text)
		if err != nil {
			log.Fatal(err)
		}
		if request.Xid == 0 && i > 0 {
			request.Xid = int32(i)
		}
		frame := request.AppendRequest(nil)
		fmt.Printf("> %v\n\t%x\n", &request, frame)
		if _, err := c.Write(frame); err != nil {
			log.Fatal(err)
		}
		for answered := false; !answered; {
			c.SetReadDeadline(time.Now().Add(2 * time.Second))
			body, err := wire.ReadFrame(c, nil, 1<<20)
			if err != nil {
				fmt.Printf("# %v\n", err)
				return
			}
			answered = print(body, request)
		}
	}
}

// print prints a frame from the server and reports whether it is the reply to the request.
func print(body []byte, request wire.Message) bool {
	reply, err := wire.DecodeReply(body, request.Op)
	if err == nil && request.Op == wire.OpCreateSession {
		fmt.Printf("< %v\n\t%08x%x\n", &reply, len(body), body)
		return true
	}
	if reply.Xid == wire.XidNotification {
		reply, err = wire.DecodeReply(body, wire.OpNotification)
	}
	if err != nil {
		log.Fatalf("%v: %v: %x", &reply, err, body)
	}
	fmt.Printf("< %v\n\t%08x%x\n", &reply, len(body), body)
	return reply.Op == request.Op
}
