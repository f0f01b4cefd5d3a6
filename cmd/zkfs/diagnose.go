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

// diagnoseTimeout bounds how long a diagnosis takes. A server that is there answers much faster.
const diagnoseTimeout = 2 * time.Second

// diagnose asks the servers, all at once, what their state is, and says why each of them can not be
// used.
func diagnose(ctx context.Context, client *flw.Client, servers []string) string {
	ctx, cancel := context.WithTimeout(ctx, diagnoseTimeout)
	defer cancel()
	var ailments []string
	for _, status := range client.Status(ctx, servers) {
		ailments = append(ailments, status.Server+" "+ailment(status.Err))
	}
	return strings.Join(ailments, ", ")
}

// ailment puts into words what happened when a server was asked for its state.
func ailment(err error) string {
	var dns *net.DNSError
	var refused *flw.RefusedError
	var noTLS tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	var op *net.OpError
	switch {
	case err == nil, errors.As(err, &refused):
		return "serves, but took no session"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "is not a known host"
	case errors.As(err, &dns):
		return "could not be resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refuses connections (nothing listens there)"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "can not be reached from here"
	case errors.Is(err, flw.ErrNotServing):
		return "runs, but has no quorum"
	case errors.Is(err, flw.ErrNoReply), errors.Is(err, syscall.ECONNRESET):
		return "closes the connection (not ZooKeeper, or a port for TLS)"
	case errors.Is(err, flw.ErrMalformed):
		return "does not answer as ZooKeeper does (" + plain(err) + ")"
	case errors.As(err, &noTLS):
		return "does not speak TLS (is it the plain port?)"
	case errors.Is(err, io.EOF):
		return "ends the TLS handshake (is it the plain port?)"
	case errors.As(err, &op) && op.Op == "remote error":
		return "does not want this client's certificate, or wants one (" + op.Err.Error() + ")"
	case errors.As(err, &certificate):
		return "has a certificate that can not be trusted (" + plain(certificate.Err) + ")"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		if errors.As(err, &op) && op.Op == "dial" {
			return "does not answer"
		}
		return "takes connections, but does not answer (it hangs, or is a port for TLS)"
	}
	return plain(err)
}
