package fs

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// Who settles waits for what was told before, and not for what comes after.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNotifier(nil)
		if err := n.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		n.tell("/a", newsData)
		n.tell("/b", newsData)
		n.tell("/a", newsChildren) // one notification with the first
		settled := make(chan error, 1)
		go func() { settled <- n.settle(t.Context()) }() // ends below
		synctest.Wait()
		n.tell("/c", newsData)
		for _, want := range []string{"/a", "/b"} {
			select {
			case err := <-settled:
				t.Fatalf("settled before %s, error %v", want, err)
			default:
			}
			if path, _, _ := n.next(); path != want {
				t.Fatalf("next is %s, want %s", path, want)
			}
			n.told()
			synctest.Wait()
		}
		select {
		case err := <-settled:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("waits for what was told later")
		}

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := n.settle(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("settle that is given up: %v", err)
		}
	})
}
