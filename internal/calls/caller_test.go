package calls

import (
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel names a thread, which may be any of its process.
func TestProcessOfThread(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	first, other := make(chan int), make(chan struct{})
	go func() { // ends with the test
		runtime.LockOSThread()
		first <- unix.Gettid()
		<-other
	}()
	for _, thread := range []int{os.Getpid(), unix.Gettid(), <-first} {
		if leads(uint32(thread)) != (thread == os.Getpid()) {
			t.Errorf("thread %d of process %d: %v", thread, os.Getpid(), leads(uint32(thread)))
		}
		if process := Process(uint32(thread)); process != uint32(os.Getpid()) {
			t.Errorf("thread %d is of process %d, want %d", thread, process, os.Getpid())
		}
	}
	close(other)
	if leads(1 << 30) {
		t.Error("a thread that is not there leads a process")
	}
}
