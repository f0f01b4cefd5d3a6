// Package flw speaks ZooKeeper's four-letter words: it asks servers, parses what they say and reports it.
//
// A word is four bytes on a fresh connection to the client port; the server prints text and closes the
// connection. There is no session and no authentication, so words work while an ensemble has no quorum.
// Since 3.4.10 a server answers a word only if its setting 4lw.commands.whitelist names it, since 3.5.3 by
// default only srvr; a refusal is a [RefusedError].
//
//	text, err := flw.Ask(ctx, "zk1:2181", "srvr")
//	...
//	stats, err := flw.ParseSrvr(text)
//
// There is one parser for each word. Servers from 3.4 to 3.9 print different lines in different order, so the
// parsers go by a line's name, leave out what they do not know, and return what they could read beside an
// error about the rest. No input makes them panic.
//
// The formats are those of org.apache.zookeeper.server.command and of the classes whose state it prints.
package flw

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// MaxReply is the size in bytes at which a reply is cut off with [ErrTooLarge], if the word lists
// connections, sessions or watches, each of which takes about a hundred bytes. Replies to other
// words are cut off at a megabyte.
const MaxReply = 64 << 20

const maxShortReply = 1 << 20

// maxReply returns how long a reply to the word may be.
func maxReply(word string) int {
	switch word {
	case "cons", "dump", "stat", "wchc", "wchp":
		return MaxReply
	}
	return maxShortReply
}

// DefaultTimeout bounds a call whose context has no deadline.
const DefaultTimeout = 5 * time.Second

var (
	// ErrNotServing is the reply of a server that runs without being part of a quorum.
	// ruok, envi and gtmk are answered nevertheless.
	ErrNotServing = errors.New("flw: the server is not currently serving requests")

	// ErrNoReply means that the server closed the connection without a word: it is older than the word,
	// or something other than a ZooKeeper server.
	ErrNoReply = errors.New("flw: the server closed the connection without a reply")

	// ErrTooLarge comes with the beginning of a reply that is longer than any server's, or does not
	// end.
	ErrTooLarge = errors.New("flw: the reply is too long")

	// ErrMalformed is the ground of every error of a parser about a reply that is not whole, or not
	// one to the word.
	ErrMalformed = errors.New("flw: malformed reply")
)

// RefusedError is the reply of a server whose setting 4lw.commands.whitelist does not name the word.
type RefusedError struct {
	Word string
	Text string // what the server printed, without the line's end
}

func (e *RefusedError) Error() string {
	return "flw: refused by the server, whose 4lw.commands.whitelist must name the word: " + e.Text
}

// What servers print instead of an answer (command.AbstractFourLetterCommand, NIOServerCnxn.checkFourLetterWord).
const (
	notServing = "This ZooKeeper instance is not currently serving requests"
	notListed  = " is not executed because it is not in the whitelist."

	keeperNotServing = "This instance is not currently serving requests" // ClickHouse Keeper
)

// Client asks servers. The zero value is ready to use; a Client may be used by many goroutines at once.
type Client struct {
	// Dial connects to a server and returns when ctx ends. Nil stands for plain TCP; for a secure port
	// (a Netty server's secureClientPort answers words too) take the DialContext of a [crypto/tls.Dialer].
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Reply is what one server of a list said.
type Reply struct {
	Server string
	Text   string
	Err    error
}

// Ask is [Client.Ask] over plain TCP.
func Ask(ctx context.Context, server, word string) (string, error) {
	return new(Client).Ask(ctx, server, word)
}

// AskAll is [Client.AskAll] over plain TCP.
func AskAll(ctx context.Context, servers []string, word string) []Reply {
	return new(Client).AskAll(ctx, servers, word)
}

// Ask sends a word to the server at the address host:port and returns all that it prints until it closes the
// connection. It returns at the latest when ctx ends, after [DefaultTimeout] if ctx has no deadline.
//
// The error is a [*RefusedError], [ErrNotServing], [ErrNoReply], [ErrTooLarge], the dialer's, the
// connection's, or wraps ctx.Err(). What arrived before the error is returned with it.
func (c *Client) Ask(ctx context.Context, server, word string) (string, error) {
	return c.ask(ctx, server, word, maxReply(word))
}

// ask is Ask for at most so many bytes.
func (c *Client) ask(ctx context.Context, server, word string, limit int) (string, error) {
	if len(word) != 4 {
		return "", fmt.Errorf("flw: %q does not have four letters", word)
	}
	text, err := c.exchange(ctx, server, []byte(word), limit)
	if err == nil {
		err = refusal(word, text)
	}
	return text, err
}

// AskAll asks every server at the same time and returns their replies in the order of the list.
// Each is bounded as by [Client.Ask], so one server that hangs does not delay the answer beyond ctx.
func (c *Client) AskAll(ctx context.Context, servers []string, word string) []Reply {
	return c.askAll(ctx, servers, word, maxReply(word))
}

// askAll is AskAll for at most so many bytes from each server.
func (c *Client) askAll(ctx context.Context, servers []string, word string, limit int) []Reply {
	replies := make([]Reply, len(servers))
	var wg sync.WaitGroup
	for i, server := range servers {
		wg.Go(func() { // ends with Ask, at the latest with ctx
			text, err := c.ask(ctx, server, word, limit)
			replies[i] = Reply{server, text, err}
		})
	}
	wg.Wait()
	return replies
}

// exchange sends a request on a connection of its own and reads to the end of the stream.
func (c *Client) exchange(ctx context.Context, server string, request []byte, limit int) (string, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultTimeout)
		defer cancel()
	}
	dial := c.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", server)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	if _, err = conn.Write(request); err == nil {
		return read(ctx, conn, limit)
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("flw: gave up sending the word: %w", ctx.Err())
	}
	return "", err
}

// read returns all that the server prints. A long reply comes in many segments, so only the end of the stream
// says that it is complete; a connection that is reset before has lost the rest.
func read(ctx context.Context, conn net.Conn, limit int) (string, error) {
	data, err := io.ReadAll(io.LimitReader(conn, int64(limit)+1))
	switch {
	case len(data) > limit:
		data, err = data[:limit], fmt.Errorf("%w: %d bytes, and no end", ErrTooLarge, limit)
	case err != nil && ctx.Err() != nil:
		err = fmt.Errorf("flw: gave up waiting for the end of the reply: %w", ctx.Err())
	case err != nil:
		err = fmt.Errorf("flw: the reply broke off: %w", err)
	}
	return string(data), err
}

// refusal recognises the replies that are not an answer to the word.
func refusal(word, text string) error {
	line := strings.TrimRight(text, "\r\n")
	switch {
	case text == "" && word != "hash": // a server that has no digest yet has nothing to print
		return ErrNoReply
	case line == word+notListed:
		return &RefusedError{Word: word, Text: line}
	case line == notServing, line == keeperNotServing:
		return ErrNotServing
	}
	return nil
}
