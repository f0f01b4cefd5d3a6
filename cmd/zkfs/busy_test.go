package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A mount that is busy for seconds, because its status is asked for, is unmounted. One that is in
// use is given up soon, or later where a process asks and never ends.
func TestWhileBusy(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		busy, asked time.Duration
		want        error
		within      time.Duration
	}{
		"free":   {within: 0},
		"poked":  {busy: time.Millisecond, within: busyPause},
		"asked":  {busy: 5 * time.Second, asked: 5 * time.Second, within: 5*time.Second + busyPause},
		"in use": {busy: time.Hour, want: syscall.EBUSY, within: busyTries * busyPause},
		"in use, and asked for a while": {
			busy: time.Hour, asked: time.Second, want: syscall.EBUSY, within: 2 * time.Second,
		},
		"in use, and asked for ever": {
			busy: time.Hour, asked: time.Hour, want: syscall.EBUSY, within: askPatience + time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				since := time.Now()
				err := whileBusy(func() error {
					if time.Since(since) < tt.busy {
						return syscall.EBUSY
					}
					return nil
				}, func() bool { return false }, func() bool { return time.Since(since) < tt.asked })
				if took := time.Since(since); !errors.Is(err, tt.want) || took > tt.within {
					t.Errorf("%v after %v, want %v within %v", err, took, tt.want, tt.within)
				}
			})
		})
	}
}

// Another process that asks a mount is found, by its arguments, and one that asks another mount is
// not.
func TestIsAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "status"), 0o600); err != nil {
		t.Fatal(err)
	}
	asks := exec.Command("cat")
	asks.Args, asks.Dir = []string{"zkfs", "status", "m"}, dir // which waits for what never comes
	if err := asks.Start(); err != nil {
		t.Fatal(err)
	}
	defer asks.Wait()
	defer asks.Process.Kill()
	for point, want := range map[string]bool{"/mnt/m": true, "/mnt/other": false} {
		if got := isAsked(point); got != want {
			t.Errorf("%s is asked: %v", point, got)
		}
	}
	for line, want := range map[string]bool{
		"":                                    false,
		"zkfs\x00":                            false,
		"zkfs\x00list\x00":                    false,
		"cat\x00status\x00":                   false,
		"zkfs\x00status\x00":                  false,
		"zkfs\x00status\x00/other\x00":        false,
		"zkfs\x00status\x00zk1:2181\x00":      false,
		"zkfs\x00status\x00/m\x00":            true,
		"zkfs\x00status\x00/m/\x00--json\x00": true,
		"/usr/bin/zkfs\x00status\x00m\x00":    true,
	} {
		if got := isAsking([]byte(line), "/m"); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}
