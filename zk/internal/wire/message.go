package wire

// A Message is what a frame holds: a request to the server, or a reply or notification from it.
type Message struct {
	Op     Op // of a reply, that of its request; OpCreateSession for the handshake, which has no header
	Xid    int32
	Zxid   int64  // of a reply
	Err    Code   // of a reply, without Record unless it is 0
	Record Record // nil if the operation has none in this direction
}

// records lists the operations with the records of their requests and replies.
var records = map[Op]struct{ request, reply func() Record }{
	OpNotification:         {nil, newOf[WatcherEvent]},
	OpCreate:               {newOf[CreateRequest], newOf[CreateResponse]},
	OpDelete:               {newOf[DeleteRequest], nil},
	OpExists:               {newOf[ExistsRequest], newOf[ExistsResponse]},
	OpGetData:              {newOf[GetDataRequest], newOf[GetDataResponse]},
	OpSetData:              {newOf[SetDataRequest], newOf[SetDataResponse]},
	OpGetACL:               {newOf[GetACLRequest], newOf[GetACLResponse]},
	OpSetACL:               {newOf[SetACLRequest], newOf[SetACLResponse]},
	OpGetChildren:          {newOf[GetChildrenRequest], newOf[GetChildrenResponse]},
	OpSync:                 {newOf[SyncRequest], newOf[SyncResponse]},
	OpPing:                 {nil, nil},
	OpGetChildren2:         {newOf[GetChildrenRequest], newOf[GetChildren2Response]},
	OpCheck:                {newOf[CheckVersionRequest], nil},
	OpMulti:                {newOf[MultiRequest], newOf[MultiResponse]},
	OpCreate2:              {newOf[CreateRequest], newOf[Create2Response]},
	OpReconfig:             {newOf[ReconfigRequest], newOf[GetDataResponse]},
	OpCheckWatches:         {newOf[CheckWatchesRequest], nil},
	OpRemoveWatches:        {newOf[RemoveWatchesRequest], nil},
	OpCreateContainer:      {newOf[CreateRequest], newOf[Create2Response]},
	OpCreateTTL:            {newOf[CreateTTLRequest], newOf[Create2Response]},
	OpMultiRead:            {newOf[MultiRequest], newOf[MultiResponse]},
	OpAuth:                 {newOf[AuthPacket], nil},
	OpSetWatches:           {newOf[SetWatches], nil},
	OpSasl:                 {newOf[GetSASLRequest], newOf[SetSASLResponse]},
	OpGetEphemerals:        {newOf[GetEphemeralsRequest], newOf[GetEphemeralsResponse]},
	OpGetAllChildrenNumber: {newOf[GetAllChildrenNumberRequest], newOf[GetAllChildrenNumberResponse]},
	OpSetWatches2:          {newOf[SetWatches2], nil},
	OpAddWatch:             {newOf[AddWatchRequest], newOf[ErrorResponse]},
	OpWhoAmI:               {nil, newOf[WhoAmIResponse]},
	OpCreateSession:        {newOf[ConnectRequest], newOf[ConnectResponse]},
	OpCloseSession:         {nil, nil},

	OpFilteredList:         {newOf[FilteredListRequest], newOf[GetChildren2Response]},
	OpCheckNotExists:       {newOf[CheckVersionRequest], nil},
	OpCreateIfNotExists:    {newOf[CreateRequest], newOf[CreateResponse]},
	OpRemoveRecursive:      {newOf[LimitedRequest], nil},
	OpCheckStat:            {newOf[CheckStatRequest], nil},
	OpTryRemove:            {newOf[DeleteRequest], nil},
	OpFilteredListWithData: {newOf[FilteredListWithDataRequest], newOf[FilteredListWithDataResponse]},
	OpListRecursive:        {newOf[LimitedRequest], newOf[GetChildrenResponse]},
}

func newOf[T any, P interface {
	*T
	Record
}]() Record {
	return P(new(T))
}

// fixedXids has the xid of every operation whose xid is no counter.
var fixedXids = map[Op]int32{
	OpNotification: XidNotification,
	OpPing:         XidPing,
	OpAuth:         XidAuth,
	OpSetWatches:   XidSetWatches,
	OpSetWatches2:  XidSetWatches,
}

// AppendRequest appends the message as a frame to the server.
func (m *Message) AppendRequest(b []byte) []byte {
	return m.appendFrame(b, &RequestHeader{Xid: m.Xid, Op: m.Op})
}

// AppendReply appends the message as a frame from the server.
func (m *Message) AppendReply(b []byte) []byte {
	return m.appendFrame(b, &ReplyHeader{Xid: m.Xid, Zxid: m.Zxid, Err: m.Err})
}

func (m *Message) appendFrame(b []byte, header Record) []byte {
	parts := make([]Record, 0, 2)
	if m.Op != OpCreateSession {
		parts = append(parts, header)
	}
	if m.Record != nil && m.Err == CodeOK {
		parts = append(parts, m.Record)
	}
	return AppendFrame(b, parts...)
}

// DecodeRequest takes the body of a frame to the server apart; the first one of a connection is the handshake.
// Next to an error the message has as much as was understood.
func DecodeRequest(body []byte, handshake bool) (Message, error) {
	d := NewDecoder(body)
	m := Message{Op: OpCreateSession}
	if !handshake {
		var h RequestHeader
		h.Decode(&d)
		m.Op, m.Xid = h.Op, h.Xid
	}
	err := m.decodeRecord(&d, records[m.Op].request)
	return m, err
}

// DecodeReply takes the body of a frame from the server apart, given the operation that it answers. Bytes behind the header
// of a failed operation are passed over: to a bad multiRead the server answers MarshallingError and an empty result.
// Next to an error the message has as much as was understood.
func DecodeReply(body []byte, op Op) (Message, error) {
	d := NewDecoder(body)
	m := Message{Op: op}
	if op != OpCreateSession {
		var h ReplyHeader
		h.Decode(&d)
		m.Xid, m.Zxid, m.Err = h.Xid, h.Zxid, h.Err
	}
	if m.Err != CodeOK {
		return m, d.Err()
	}
	err := m.decodeRecord(&d, records[op].reply)
	return m, err
}

// decodeRecord reads the record and the end of the frame.
func (m *Message) decodeRecord(d *Decoder, newRecord func() Record) error {
	if newRecord == nil || d.err != nil {
		return d.End()
	}
	r := newRecord()
	r.Decode(d)
	if err := d.End(); err != nil {
		return err
	}
	m.Record = r
	return nil
}
