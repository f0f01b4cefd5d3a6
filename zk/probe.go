package zk

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/zkfs/zkfs/zk/internal/wire"
)

// probe is a connection, with a session of its own, that asks a server what it has. A server that
// ends it ends nothing else. One goroutine owns it.
type probe struct {
	t       *transport // not run
	kind    serverKind
	missing string // the path of no znode
	stop    func()

	answered bool // something was, on this connection
}

// errStrike is the ground of the error of a question that a server did not answer although it
// answers reads.
var errStrike = errors.New("not answered")

// probeTimeout is the session timeout that a probe asks for at most. A server that closes the
// connection keeps the session for so long.
const probeTimeout = 10 * time.Second

// openProbe connects to server and opens a session.
func (c *client) openProbe(server string) (*probe, error) {
	limit := min(c.timeout()*2/3, probeTimeout)
	ctx, cancel := context.WithTimeout(c.life, limit)
	s := c.secrets()
	dialed, err := c.dial(ctx, server, limit)
	if err != nil {
		cancel()
		return nil, err
	}
	unwatch := context.AfterFunc(ctx, func() { dialed.Close() })
	p := &probe{stop: func() {
		unwatch()
		dialed.Close()
		cancel()
	}}
	conn, err := c.encrypt(ctx, server, s.TLS, dialed)
	if err == nil {
		if c.trace != nil {
			conn = traced(conn, c.trace)
		}
		in := &pacedReader{conn: conn, silence: limit}
		p.t = &transport{c: c, conn: conn, in: in, r: bufio.NewReader(in), server: server, secrets: s}
		err = p.handshake(ctx)
	}
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("probe: %w", err)
	}
	return p, nil
}

func (p *probe) handshake(ctx context.Context) error {
	c := p.t.c
	request := wire.ConnectRequest{
		TimeOut:  int32(min(c.sessionTimeout, probeTimeout) / time.Millisecond),
		Passwd:   noPassword,
		ReadOnly: c.readOnly,
	}
	if _, err := p.t.conn.Write(wire.AppendFrame(nil, &request)); err != nil {
		return err
	}
	response, err := readConnectResponse(p.t.r)
	if err != nil {
		return err
	}
	if err := refused(response, 0); err != nil {
		return err
	}
	p.kind = kindOf(p.t.server, response)
	var random [16]byte
	rand.Read(random[:])
	p.missing = "/zk-" + hex.EncodeToString(random[:]) + "/none"
	if p.t.secrets.SASL != nil {
		if err := c.exchange(ctx, p.t, p.t.server); err != nil {
			return err
		}
	}
	all := p.t.secrets.Auth // without them a server may refuse to answer
	for _, a := range c.creds.all() {
		all = append(all[:len(all):len(all)], Credential{a.scheme, a.auth})
	}
	for _, a := range all {
		auth := wire.AuthPacket{Scheme: a.Scheme, Auth: a.Auth}
		if err := p.send(wire.XidAuth, wire.OpAuth, auth.Append(nil)); err != nil {
			return err
		}
	}
	return nil
}

// close ends the session, and waits for the server to have heard it.
func (p *probe) close() {
	if p.send(wire.XidClose, wire.OpCloseSession, nil) == nil {
		p.t.in.silence = closeWait
		for {
			if h, _, err := p.next(); err != nil || h.Xid == wire.XidClose {
				break
			}
		}
	}
	p.stop()
}

func (p *probe) send(xid int32, op wire.Op, record []byte) error {
	_, err := p.t.conn.Write(appendRequest(nil, xid, op, record))
	return err
}

// next returns the next reply that is not one to credentials.
func (p *probe) next() (h wire.ReplyHeader, record []byte, err error) {
	for {
		p.t.in.next()
		frame, err := wire.ReadFrame(p.t.r, nil, p.t.c.maxReply)
		if err != nil {
			return h, nil, err
		}
		if len(frame) < wire.ReplyHeaderSize {
			return h, nil, io.ErrUnexpectedEOF
		}
		h = replyHeader(frame[:wire.ReplyHeaderSize])
		if h.Xid != wire.XidAuth && h.Xid != wire.XidNotification {
			return h, frame[wire.ReplyHeaderSize:], nil
		}
	}
}

// probeQuiet is how long a server may take for an answer before it is asked something else, to
// which it has one.
const probeQuiet = time.Second

var probeRead = (&wire.ExistsRequest{Path: "/"}).Append(nil)

// request sends a request after something was answered, and returns its reply. The error is
// errStrike if the connection ends in place of a reply, or a later read is answered before the
// request.
func (p *probe) request(q trial) (code wire.Code, record []byte, err error) {
	if !p.answered {
		p.t.xid++
		if err := p.send(p.t.xid, wire.OpExists, probeRead); err != nil {
			return 0, nil, err
		}
		if _, _, err := p.due(p.t.xid); err != nil {
			return 0, nil, err
		}
		p.answered = true
	}
	xid := q.xid
	if xid == 0 {
		p.t.xid++
		xid = p.t.xid
	}
	if err := p.send(xid, q.op, q.record); err != nil {
		return 0, nil, err
	}
	p.t.xid++
	later := p.t.xid
	quiet := time.AfterFunc(probeQuiet, func() { p.send(later, wire.OpExists, probeRead) })
	h, record, err := p.next()
	asked := !quiet.Stop()
	switch {
	case err != nil && closedByPeer(err):
		return 0, nil, fmt.Errorf("%v: %w: the connection was closed", q.op, errStrike)
	case err == nil && asked && h.Xid == later:
		return 0, nil, fmt.Errorf("%v: %w", q.op, errStrike)
	case err == nil && h.Xid != xid:
		err = fmt.Errorf("reply to xid %d where one to %d is due", h.Xid, xid)
	case err == nil && asked:
		p.due(later) // if it fails, so will the next request
	}
	return h.Err, record, err
}

// due returns the next reply, which must be to xid.
func (p *probe) due(xid int32) (wire.ReplyHeader, []byte, error) {
	h, record, err := p.next()
	if err == nil && h.Xid != xid {
		err = fmt.Errorf("reply to xid %d where one to %d is due", h.Xid, xid)
	}
	return h, record, err
}

// trial is a request that shows whether a server knows its operation, and changes nothing.
type trial struct {
	xid    int32 // 0 for the next one
	op     wire.Op
	record []byte
}

// trials returns the requests that a server with the feature answers.
func (p *probe) trials(f Feature) []trial {
	world := []wire.ACL{{Perms: PermAll, Scheme: "world", ID: "anyone"}}
	one := func(op wire.Op, record wire.Record) []trial {
		return []trial{{0, op, record.Append(nil)}}
	}
	switch f {
	case FeatureCreate2: // below what is missing nothing can be created
		return one(wire.OpCreate2, &wire.CreateRequest{Path: p.missing, ACL: world})
	case FeatureCreateContainer:
		return one(wire.OpCreateContainer,
			&wire.CreateRequest{Path: p.missing, ACL: world, Flags: FlagContainer})
	case FeatureCreateTTL:
		return one(wire.OpCreateTTL,
			&wire.CreateTTLRequest{Path: p.missing, ACL: world, Flags: FlagTTL, TTL: 1000})
	case FeatureMultiRead:
		return one(wire.OpMultiRead, &wire.MultiRequest{Ops: []wire.MultiOp{
			{Op: wire.OpGetData, Record: &wire.GetDataRequest{Path: p.missing}},
			{Op: wire.OpGetChildren, Record: &wire.GetChildrenRequest{Path: p.missing}},
			{Op: wire.OpGetData, Record: &wire.GetDataRequest{Path: "/"}},
		}})
	case FeatureAddWatch:
		add := wire.AddWatchRequest{Path: p.missing, Mode: wire.AddWatchPersistentRecursive}
		again := wire.SetWatches2{PersistentRecursiveWatches: []string{p.missing}}
		return []trial{
			{0, wire.OpAddWatch, add.Append(nil)},
			{wire.XidSetWatches, wire.OpSetWatches2, again.Append(nil)},
		}
	case FeatureRemoveWatches:
		return one(wire.OpRemoveWatches,
			&wire.RemoveWatchesRequest{Path: p.missing, Type: wire.WatcherAny})
	case FeatureCheckWatches:
		return one(wire.OpCheckWatches,
			&wire.CheckWatchesRequest{Path: p.missing, Type: wire.WatcherAny})
	case FeatureWhoAmI:
		return []trial{{op: wire.OpWhoAmI}}
	case FeatureGetEphemerals:
		return one(wire.OpGetEphemerals, &wire.GetEphemeralsRequest{PrefixPath: p.missing})
	case FeatureGetAllChildrenNumber:
		return one(wire.OpGetAllChildrenNumber, &wire.GetAllChildrenNumberRequest{Path: p.missing})
	case FeatureChildStats:
		return one(wire.OpFilteredListWithData,
			&wire.FilteredListWithDataRequest{Path: p.missing, WithStats: true})
	case FeatureReconfig: // of a configuration that never was
		return one(wire.OpReconfig, &wire.ReconfigRequest{CurConfigID: 1<<63 - 1})
	}
	return nil
}

// ask finds out whether the server has f.
func (p *probe) ask(f Feature) (Support, error) {
	for _, q := range p.trials(f) {
		code, record, err := p.request(q)
		if err != nil {
			return SupportUnknown, err
		}
		switch {
		case code == wire.CodeUnimplemented || code == wire.CodeMarshallingError:
			return Lacking, nil
		case !shows(code):
			return SupportUnknown, errorOf(code)
		}
		if q.op == wire.OpMultiRead && code == wire.CodeOK {
			d := wire.NewDecoder(record)
			results := p.t.c.appendReads(nil, &d)
			if err := d.End(); err != nil || len(results) != 3 {
				err = fmt.Errorf("%d results for 3 operations, %v", len(results), err)
				p.t.c.logMisread(q.op, record, err)
				return Lacking, nil
			}
		}
	}
	return Supported, nil
}

// shows reports whether a reply with that code shows that the server knows the operation.
func shows(code wire.Code) bool {
	switch code {
	case wire.CodeUnimplemented, wire.CodeMarshallingError, wire.CodeConnectionLoss,
		wire.CodeOperationTimeout, wire.CodeThrottledOp, wire.CodeSessionExpired,
		wire.CodeSessionMoved:
		return false
	}
	return true
}

// learn notes what the server has or lacks, and reports whether it is news.
func (p *probe) learn(f Feature, s Support, why string) bool {
	news := p.t.c.features.learn(p.kind, f, s)
	if news && s == Lacking {
		p.t.c.log.infof("zk: %s lacks %v: %s", p.t.server, f, why)
	}
	return news
}

// keeperFlags has the features that ClickHouse Keeper names in /keeper/feature_flags, by the
// numbers of their bits there (KeeperFeatureFlags.h).
var keeperFlags = map[int]Feature{
	1: FeatureMultiRead, 7: FeatureAddWatch, 8: FeatureCreate2, 10: FeatureChildStats,
	12: FeatureCreateTTL,
}

// readFlags asks a server that is no ZooKeeper what it says of itself, and believes a ClickHouse
// Keeper what it lacks: it would close the connection. RaftKeeper has copied the znode and means
// something else by it, but has not copied /keeper/config. readFlags reports whether it has learned
// something.
func (p *probe) readFlags() (learned bool) {
	if p.kind.zooKeeper {
		return false
	}
	const path = "/keeper/feature_flags"
	var flags wire.GetDataResponse
	for _, path := range []string{"/keeper/config", path} {
		get := wire.GetDataRequest{Path: path}
		code, record, err := p.request(trial{0, wire.OpGetData, get.Append(nil)})
		if err != nil || code != wire.CodeOK || wire.Unmarshal(record, &flags) != nil {
			return false
		}
	}
	p.learn(FeaturePzxid, Lacking, path)
	for bit, f := range keeperFlags {
		if at := bit / 8; at >= len(flags.Data) || flags.Data[at]>>(7-bit%8)&1 == 0 {
			learned = p.learn(f, Lacking, path) || learned
		}
	}
	return learned
}
