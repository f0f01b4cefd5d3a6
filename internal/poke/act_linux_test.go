package poke

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// hang is how long a test waits for what must come.
const hang = 2 * time.Minute

// TestMain makes this program a poker too, and one that looks.
func TestMain(m *testing.M) {
	if os.Getenv(asNobody) != "" {
		lookAsNobody()
		return
	}
	if value := os.Getenv(Variable); value != "" {
		if err := Run(value, os.Stdin, os.Stdout); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// What an automount has unmounted stays so, whatever is still told of it.
func TestNoPokeMountsAnAutomount(t *testing.T) {
	dir := t.TempDir()
	asked, kernel, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	options := fmt.Sprintf("fd=%d,pgrp=1,minproto=5,maxproto=5,direct", kernel.Fd())
	err = unix.Mount("zkfs-test", dir, "autofs", 0, options)
	kernel.Close()
	if err != nil {
		t.Fatal(err)
	}
	poker, err := Start(exec.Command(os.Args[0]), Mount{Point: dir, Secret: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	mounts := make(chan bool, 1)
	go func() { // ends with the automount
		n, _ := asked.Read(make([]byte, 1<<10)) // an error is its end
		if mounts <- n > 0; n > 0 {
			poker.Kill() // which waits for the mount
		}
	}()
	r, err := poker.Do(Order{Kind: DirCreated, Dir: ".", Name: "d"}, hang)
	poker.End()
	poker.Reap()
	if err != nil || !r.Elsewhere {
		t.Errorf("%+v, %v", r, err)
	}
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		t.Error(err)
	}
	if <-mounts {
		t.Error("the poke has asked for a mount")
	}
}
