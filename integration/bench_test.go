package integration

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// BenchmarkGet reads one znode of 100 bytes from a real server by many goroutines over one connection, as clients do by default and
// with a request for each read.
func BenchmarkGet(b *testing.B) {
	for _, form := range []struct {
		name    string
		options []zk.Option
	}{
		{"together", nil},
		{"single", []zk.Option{zk.WithSingleReads()}},
	} {
		options := append(form.options, zk.WithLogInfo(false))
		c, _, err := zk.Connect([]string{addr(shared.Servers[0])}, 10*time.Second, options...)
		if err != nil {
			b.Fatal(err)
		}
		path, err := c.Create("/bench-", make([]byte, 100), zk.FlagEphemeralSequential, zk.WorldACL(zk.PermAll))
		if err != nil {
			b.Fatal(err)
		}
		for _, callers := range []int{1, 16, 256, 1024} {
			b.Run(fmt.Sprintf("%s/%d", form.name, callers), func(b *testing.B) {
				var all sync.WaitGroup
				for i := range callers {
					all.Go(func() {
						for range (b.N + i) / callers {
							if _, _, err := c.Get(path); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				all.Wait()
			})
		}
		c.Close()
	}
}
