// Bench compares zkfs with its peers, side by side: package zk with github.com/go-zookeeper/zk, a mount with tmpfs and
// with a client that walks the tree. It starts a real ZooKeeper server and the mounts itself.
//
// Machines are noisy, so every comparison runs both sides in turn, several rounds of it, and prints the median
// of each side and the median of the rounds' ratios. Only the ratios mean something on another machine.
//
//	go run . [-rounds 5] [-quick] [-only REGEXP] ZKFS
//
// ZKFS is the command zkfs, without which the mounts are left out.
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
)

func main() {
	canned := flag.Bool("canned", false, "be the server that answers at once, and nothing else")
	rounds := flag.Int("rounds", 5, "how often each comparison is repeated")
	quick := flag.Bool("quick", false, "leave out the tree of 100,000 znodes, and write 1000 files, not 10,000")
	memory := flag.String("memory", "", "be the file system in memory, mounted on this `directory`, and nothing else")
	followed := flag.String("follow", "", "open and read this `file` in a loop, and nothing else")
	stated := flag.String("stat", "", "call stat on the files of this `directory`, and nothing else")
	shape := flag.String("tree", trees[0].name, "the tree of -memory")
	only := flag.String("only", "", "the comparisons whose names match")
	flag.Parse()
	for _, part := range []struct {
		asked bool
		play  func() error
	}{
		{*canned, serveCanned},
		{*memory != "", func() error { return serveMemory(*memory, treeOf(*shape)) }},
		{*followed != "", func() error { return follow(*followed) }},
		{*stated != "", func() error { return stats(*stated) }},
	} {
		if part.asked {
			exit(part.play())
		}
	}
	r := &report{rounds: *rounds, quick: *quick, only: regexp.MustCompile(*only)}
	exit(compareAll(r, flag.Arg(0)))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func compareAll(r *report, zkfs string) error {
	r.heading()
	if err := clientAlone(r); err != nil {
		return err
	}
	if err := nettyParts(r); err != nil {
		return err
	}
	s, err := startServer()
	if err != nil {
		return err
	}
	defer s.stop()
	if err := clientAndServer(r, s); err != nil {
		return err
	}
	if err := eventLatency(r, s.addr); err != nil {
		return err
	}
	if err := caches(r, s); err != nil {
		return err
	}
	if zkfs == "" {
		return nil
	}
	for _, part := range []func(*report, *server, string) error{mountsWarm, mountsCold, changesSeen,
		eventsSeen, storm, writes} {
		if err := part(r, s, zkfs); err != nil {
			return err
		}
	}
	return nil
}
