package main

import "github.com/zkfs/zkfs/zk"

// A sample is a znode of the demo.
type sample struct {
	path  string
	data  string
	flags int32
	acl   []zk.ACL
}

// sampleTree has one of each: files and directories, a directory with data, ephemerals, ACLs, a held lock. They are created in this
// order by a session that is digest user demo.
func sampleTree() []sample {
	open := zk.WorldACL(zk.PermAll)
	private := zk.DigestACL(zk.PermAll, "demo", "demo")
	readable := append(zk.WorldACL(zk.PermRead), private...)
	return []sample{
		{path: "/config", acl: open},
		{path: "/config/features.json", data: "{\"dark-mode\": true, \"beta\": [\"search\"]}\n", acl: open},
		{path: "/config/database", acl: open},
		{path: "/config/database/url", data: "postgres://db.example.com:5432/shop\n", acl: open},
		{path: "/config/database/pool-size", data: "10\n", acl: open},
		{path: "/config/release", data: "2026.2\n", acl: readable},
		{path: "/services", acl: open},
		{path: "/services/web", data: "min=2\nmax=8\n", acl: open},
		{path: "/services/web/node-", data: "10.0.0.11:8080\n", flags: zk.FlagEphemeralSequential, acl: open},
		{path: "/services/web/node-", data: "10.0.0.12:8080\n", flags: zk.FlagEphemeralSequential, acl: open},
		{path: "/services/mail", acl: open},
		{path: "/locks", acl: open},
		{path: "/locks/nightly.lock", flags: zk.FlagContainer, acl: open},
		{path: "/locks/nightly.lock/_c_6d1f0d2a5b7c4e8f9a3b1c2d3e4f5061-lock-", data: "host-7 pid 4711 backup --all", flags: zk.FlagEphemeralSequential, acl: open},
		{path: "/secrets", acl: readable},
		{path: "/secrets/token", data: "s3cr3t\n", acl: private},
	}
}
