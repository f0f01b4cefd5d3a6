package ensemble

import (
	"fmt"
	"strings"
	"testing"
)

// What the kernel holds counts until it was asked to forget it, and is asked for again until it
// does.
func TestCacheAsksTheKernelToForget(t *testing.T) {
	const each = entryBytes + inodeBytes + 2 // a path has two bytes
	c, _ := testCache(4*each - 1)            // holds three
	var dropped []string
	c.drop = func(paths []string) { dropped = append(dropped, paths...) }
	know := func(path string) {
		put(c, path, file1(1, ""))
		c.hold(path)
	}
	check := func(want string, entries, size int) {
		t.Helper()
		if got := strings.Join(dropped, " "); got != want {
			t.Errorf("dropped %q, want %q", got, want)
		}
		if n, bytes := c.counts(); n != entries || bytes != size {
			t.Errorf("%d entries, %d bytes, want %d, %d", n, bytes, entries, size)
		}
		dropped = nil
	}
	for _, path := range []string{"/a", "/b", "/c"} {
		know(path)
	}
	check("", 3, 3*each)
	know("/d")
	check("/a", 4, 3*each) // the kernel has not forgotten /a
	if c.has("/a") {
		t.Error("/a is known")
	}
	c.release("/a")
	check("", 3, 3*each)
	know("/e")
	check("/b", 4, 3*each)
	know("/b") // used again
	check("/c", 5-1, 3*each)
	know("/f")
	check("/d /c", 5, 3*each) // /c is still held, and is asked for again
	for _, path := range []string{"/b", "/c", "/d", "/e", "/f"} {
		c.release(path)
	}
	check("", 3, 3*(each-inodeBytes))
}

// A cache that is full of what is in use costs a new entry little.
func TestCacheFullOfWhatIsUsed(t *testing.T) {
	c, _ := testCache(1)
	n := 0
	c.drop = func(paths []string) { n += len(paths) }
	for i := range 1000 {
		c.hold(fmt.Sprint("/", i))
	}
	if n > 2000 {
		t.Errorf("%d times asked for", n)
	}
	if got, size := c.counts(); got != 1000 || size != 0 {
		t.Errorf("%d entries, %d bytes", got, size)
	}
}
