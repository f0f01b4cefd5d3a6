package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"
)

// notifyVariable names the socket on which a service manager wants to hear how a service of Type=notify is (sd_notify(3)).
const notifyVariable = "NOTIFY_SOCKET"

// tellManager is notifyManager for what goes on if it fails.
func tellManager(log *slog.Logger, state string) {
	if err := notifyManager(state); err != nil {
		log.Warn("tell the service manager", "err", err)
	}
}

// notifyManager tells the service manager a state, such as READY=1. Without a manager that wants to hear it, it does nothing.
func notifyManager(state string) error {
	name := os.Getenv(notifyVariable)
	if name == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"}) // a name that begins with @ is abstract
	if err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	return errors.Join(err, conn.Close())
}

// feedWatchdog tells the service manager that the process runs, twice in the time after which it
// takes a silent one for hung (sd_watchdog_enabled(3)), until ctx ends. Without a manager that
// wants to hear it, it does nothing.
func feedWatchdog(ctx context.Context, log *slog.Logger) {
	microseconds, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if pid := os.Getenv("WATCHDOG_PID"); err != nil || microseconds <= 1 || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return
	}
	ticks := time.NewTicker(time.Duration(microseconds) * time.Microsecond / 2)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			tellManager(log, "WATCHDOG=1")
		case <-ctx.Done():
			return
		}
	}
}
