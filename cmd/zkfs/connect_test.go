package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkfs/zkfs/zk"
)

// A name that is not known yet is waited for, until the time is over.
func TestNameThatIsNotKnownYet(t *testing.T) {
	unknown := fmt.Errorf("zk: %w", &net.DNSError{Err: "no such host", IsNotFound: true})
	other := errors.New("zk: no server")
	tests := []struct {
		fails int // so many attempts fail because of the name
		last  error
		want  error
		tells int
	}{
		{0, nil, nil, 0},
		{1, nil, nil, 1},
		{10, nil, nil, 1},
		{3, other, other, 1},
		{1000, nil, unknown, 1},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			calls, tells := 0, 0
			_, err := untilKnown(ctx, func() (*zk.Conn, error) {
				if calls++; calls <= tt.fails {
					return nil, unknown
				}
				return nil, tt.last
			}, func() { tells++ })
			if err != tt.want || tells != tt.tells {
				t.Errorf("%+v: error %v, told %d times", tt, err, tells)
			}
		})
	}
}
