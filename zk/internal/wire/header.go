package wire

// RequestHeader precedes every request but ConnectRequest.
type RequestHeader struct {
	Xid int32
	Op  Op
}

func (r *RequestHeader) Append(b []byte) []byte {
	b = appendInt32(b, r.Xid)
	return appendInt32(b, int32(r.Op))
}

func (r *RequestHeader) Decode(d *Decoder) {
	r.Xid = d.int32()
	r.Op = Op(d.int32())
}

// ReplyHeader precedes every reply but ConnectResponse, and every notification. No record follows if Err is not 0.
type ReplyHeader struct {
	Xid  int32
	Zxid int64 // the last transaction that the server has processed
	Err  Code
}

// ReplyHeaderSize is the encoded size of a ReplyHeader.
const ReplyHeaderSize = 16

func (r *ReplyHeader) Append(b []byte) []byte {
	b = appendInt32(b, r.Xid)
	b = appendInt64(b, r.Zxid)
	return appendInt32(b, int32(r.Err))
}

func (r *ReplyHeader) Decode(d *Decoder) {
	r.Xid = d.int32()
	r.Zxid = d.int64()
	r.Err = Code(d.int32())
}

// ConnectRequest opens or resumes a session; no header precedes it.
type ConnectRequest struct {
	ProtocolVersion int32
	LastZxidSeen    int64
	TimeOut         int32 // milliseconds
	SessionID       int64
	Passwd          []byte
	ReadOnly        bool
}

func (r *ConnectRequest) Append(b []byte) []byte {
	b = appendInt32(b, r.ProtocolVersion)
	b = appendInt64(b, r.LastZxidSeen)
	b = appendInt32(b, r.TimeOut)
	b = appendInt64(b, r.SessionID)
	b = appendBuffer(b, r.Passwd)
	return appendBool(b, r.ReadOnly)
}

// Decode accepts the form without ReadOnly of clients before 3.4.
func (r *ConnectRequest) Decode(d *Decoder) {
	r.ProtocolVersion = d.int32()
	r.LastZxidSeen = d.int64()
	r.TimeOut = d.int32()
	r.SessionID = d.int64()
	r.Passwd = d.buffer()
	r.ReadOnly = d.Len() > 0 && d.bool()
}

// ConnectResponse answers ConnectRequest; no header precedes it. A TimeOut of 0 or less means that the session has expired.
type ConnectResponse struct {
	ProtocolVersion int32
	TimeOut         int32 // milliseconds, as negotiated
	SessionID       int64
	Passwd          []byte
	ReadOnly        bool
}

func (r *ConnectResponse) Append(b []byte) []byte {
	b = appendInt32(b, r.ProtocolVersion)
	b = appendInt32(b, r.TimeOut)
	b = appendInt64(b, r.SessionID)
	b = appendBuffer(b, r.Passwd)
	return appendBool(b, r.ReadOnly)
}

// Decode accepts the form without ReadOnly of servers before 3.4.
func (r *ConnectResponse) Decode(d *Decoder) {
	r.ProtocolVersion = d.int32()
	r.TimeOut = d.int32()
	r.SessionID = d.int64()
	r.Passwd = d.buffer()
	r.ReadOnly = d.Len() > 0 && d.bool()
}

// AuthPacket is the request of OpAuth, sent with XidAuth. The reply has no record.
type AuthPacket struct {
	Type   int32
	Scheme string
	Auth   []byte
}

func (r *AuthPacket) Append(b []byte) []byte {
	b = appendInt32(b, r.Type)
	b = appendString(b, r.Scheme)
	return appendBuffer(b, r.Auth)
}

func (r *AuthPacket) Decode(d *Decoder) {
	r.Type = d.int32()
	r.Scheme = d.string()
	r.Auth = d.buffer()
}

// GetSASLRequest carries a token of the SASL exchange to the server (OpSasl).
type GetSASLRequest struct{ Token []byte }

func (r *GetSASLRequest) Append(b []byte) []byte { return appendBuffer(b, r.Token) }

func (r *GetSASLRequest) Decode(d *Decoder) { r.Token = d.buffer() }

// SetSASLResponse carries a token of the SASL exchange to the client.
type SetSASLResponse struct{ Token []byte }

func (r *SetSASLResponse) Append(b []byte) []byte { return appendBuffer(b, r.Token) }

func (r *SetSASLResponse) Decode(d *Decoder) { r.Token = d.buffer() }

// WhoAmIResponse answers OpWhoAmI, whose request has no record.
type WhoAmIResponse struct{ ClientInfo []ClientInfo }

func (r *WhoAmIResponse) Append(b []byte) []byte { return appendRecords(b, r.ClientInfo) }

func (r *WhoAmIResponse) Decode(d *Decoder) { r.ClientInfo = decodeRecords[ClientInfo](d, 8) }

// ClientInfo is one identity of a session.
type ClientInfo struct {
	AuthScheme string
	User       string
}

func (r *ClientInfo) Append(b []byte) []byte {
	b = appendString(b, r.AuthScheme)
	return appendString(b, r.User)
}

func (r *ClientInfo) Decode(d *Decoder) {
	r.AuthScheme = d.string()
	r.User = d.string()
}
