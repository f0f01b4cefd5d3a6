package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/zkfs/zkfs/flw"
)

// A diagnosis says why servers can not be used.
type diagnosis struct {
	text     string // what ails each of them
	hopeless bool   // waiting does not help
}

// diagnoseTimeout bounds how long a diagnosis takes. A server that is there answers much faster.
const diagnoseTimeout = 2 * time.Second

// diagnose asks the servers, all at once, what their state is.
func diagnose(ctx context.Context, client *flw.Client, servers []string) diagnosis {
	ctx, cancel := context.WithTimeout(ctx, diagnoseTimeout)
	defer cancel()
	d := diagnosis{hopeless: true}
	var ailments []string
	for _, reply := range client.AskAll(ctx, servers, "srvr") {
		text, hopeless := ailment(reply.Err)
		d.hopeless = d.hopeless && hopeless
		ailments = append(ailments, reply.Server+" "+text)
	}
	d.text = strings.Join(ailments, ", ")
	return d
}

// ailment puts into words what happened when a server was asked for its state, and whether that can not get better soon.
func ailment(err error) (text string, hopeless bool) {
	var dns *net.DNSError
	var refused *flw.RefusedError
	var noTLS tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	var op *net.OpError
	switch {
	case err == nil, errors.As(err, &refused):
		return "serves, but took no session", false
	case errors.As(err, &dns) && dns.IsNotFound:
		return "is not a known host", true
	case errors.As(err, &dns):
		return "could not be resolved", false
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refuses connections (nothing listens there)", false
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "can not be reached from here", false
	case errors.Is(err, flw.ErrNotServing):
		return "runs, but has no quorum", false
	case errors.Is(err, flw.ErrNoReply), errors.Is(err, syscall.ECONNRESET):
		return "closes the connection (not ZooKeeper, or a port for TLS)", false
	case errors.As(err, &noTLS):
		return "does not speak TLS (is it the plain port?)", false
	case errors.Is(err, io.EOF):
		return "ends the TLS handshake (is it the plain port?)", false
	case errors.As(err, &op) && op.Op == "remote error":
		return "does not want this client's certificate, or wants one (" + op.Err.Error() + ")", false
	case errors.As(err, &certificate):
		return "has a certificate that can not be trusted (" + plain(certificate.Err) + ")", false
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		if errors.As(err, &op) && op.Op == "dial" {
			return "does not answer", false
		}
		return "takes connections, but does not answer (it hangs, or is a port for TLS)", false
	}
	return plain(err), false
}
