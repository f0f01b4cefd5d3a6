package main

import (
	"errors"
	"log/slog"
	"net"
	"os"
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
