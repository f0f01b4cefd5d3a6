// Bench compares zkfs with its peers, side by side: package zk with github.com/go-zookeeper/zk, a mount with tmpfs and
// with a client that walks the tree. It starts a real ZooKeeper server and the mounts itself.
//
// Machines are noisy, so every comparison runs both sides in turn, several rounds of it, and prints the median
// of each side and the median of the rounds' ratios. Only the ratios mean something on another machine.
//
//	go run . [-rounds 5] [-only REGEXP] ZKFS
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
	only := flag.String("only", "", "the comparisons whose names match")
	flag.Parse()
	if *canned {
		serveCanned()
		return
	}
	r := &report{rounds: *rounds, only: regexp.MustCompile(*only)}
	if err := run(r, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(r *report, zkfs string) error {
	r.heading()
	if err := clientAlone(r); err != nil {
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
	if zkfs == "" {
		return nil
	}
	return mounts(r, s, zkfs)
}
