package fs_test

import (
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"time"

	"github.com/zkfs/zkfs/fs"
	"github.com/zkfs/zkfs/zk"
	"github.com/zkfs/zkfs/zk/zktest"
)

// A program mounts an ensemble, and a shell works in it. The process that serves a mount must not
// use files on it itself.
func ExampleMount() {
	server := zktest.NewServer() // a real program names its servers
	defer server.Close()
	conn, _, err := zk.Connect([]string{server.Addr()}, 10*time.Second,
		zk.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	dir, err := os.MkdirTemp("", "zkfs-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.Remove(dir)

	mounted, err := fs.Mount(conn, dir, fs.Options{UID: uint32(os.Getuid()), GID: uint32(os.Getgid())})
	if err != nil {
		log.Fatal(err)
	}
	const script = `mkdir "$0/app"; echo 8 > "$0/app/threads"; cat "$0/app/threads"`
	out, err := exec.Command("sh", "-c", script, dir).CombinedOutput()
	fmt.Printf("the shell: %s%v\n", out, err)
	if err := mounted.Unmount(); err != nil {
		log.Fatal(err)
	}

	data, stat, err := conn.Get("/app/threads")
	fmt.Printf("the znode: %q, version %d, %v\n", data, stat.Version, err)
	// Output:
	// the shell: 8
	// <nil>
	// the znode: "8\n", version 0, <nil>
}

// The path of a file says which znode it shows, without a mount.
func ExampleZnodePath() {
	for _, file := range []string{"/app/threads", "/app/.data", "/app/%2Edata"} {
		znode, ok := fs.ZnodePath(file)
		fmt.Println(file, "shows", znode, ok)
	}
	// Output:
	// /app/threads shows /app/threads true
	// /app/.data shows /app true
	// /app/%2Edata shows /app/.data true
}
