package main

import (
	"errors"
	"net"
	"os"
)

// notifyVariable names the socket on which a service manager wants to hear how a service of Type=notify is (sd_notify(3)).
const notifyVariable = "NOTIFY_SOCKET"

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
