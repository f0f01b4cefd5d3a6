package poke

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

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
	ended := make(chan Result)
	go func() { // ends when the automount is gone
		ended <- Mount{Point: dir, Secret: "secret"}.carryOut(Order{Kind: DirCreated, Dir: ".", Name: "d"})
	}()
	mounts := make(chan int)
	go func() { // likewise
		n, _ := asked.Read(make([]byte, 1<<10)) // an error is its end
		mounts <- n
	}()
	var r Result
	select {
	case <-mounts:
		t.Error("the poke asks for a mount")
		unix.Unmount(dir, unix.MNT_DETACH)
		<-ended
		return
	case r = <-ended:
	}
	if !r.Elsewhere {
		t.Errorf("%+v", r)
	}
	if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
		t.Error(err)
	}
	if n := <-mounts; n != 0 {
		t.Error("the poke has asked for a mount")
	}
}
