package wire

// CreateRequest is the record of OpCreate, OpCreate2 and OpCreateContainer.
type CreateRequest struct {
	Path  string
	Data  []byte
	ACL   []ACL
	Flags int32 // CreateMode.java
}

func (r *CreateRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	b = appendBuffer(b, r.Data)
	b = appendRecords(b, r.ACL)
	return appendInt32(b, r.Flags)
}

func (r *CreateRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Data = d.buffer()
	r.ACL = decodeRecords[ACL](d, aclMinSize)
	r.Flags = d.int32()
}

// CreateTTLRequest is the record of OpCreateTTL.
type CreateTTLRequest struct {
	Path  string
	Data  []byte
	ACL   []ACL
	Flags int32
	TTL   int64 // milliseconds
}

func (r *CreateTTLRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	b = appendBuffer(b, r.Data)
	b = appendRecords(b, r.ACL)
	b = appendInt32(b, r.Flags)
	return appendInt64(b, r.TTL)
}

func (r *CreateTTLRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Data = d.buffer()
	r.ACL = decodeRecords[ACL](d, aclMinSize)
	r.Flags = d.int32()
	r.TTL = d.int64()
}

// CreateResponse answers OpCreate.
type CreateResponse struct{ Path string }

func (r *CreateResponse) Append(b []byte) []byte { return appendString(b, r.Path) }

func (r *CreateResponse) Decode(d *Decoder) { r.Path = d.string() }

// Create2Response answers OpCreate2, OpCreateContainer and OpCreateTTL.
type Create2Response struct {
	Path string
	Stat Stat
}

func (r *Create2Response) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	return r.Stat.Append(b)
}

func (r *Create2Response) Decode(d *Decoder) {
	r.Path = d.string()
	r.Stat.Decode(d)
}

// DeleteRequest is the record of OpDelete; no record answers it.
type DeleteRequest struct {
	Path    string
	Version int32
}

func (r *DeleteRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	return appendInt32(b, r.Version)
}

func (r *DeleteRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Version = d.int32()
}

// CheckVersionRequest is the record of OpCheck, which stands in a multi only.
type CheckVersionRequest struct {
	Path    string
	Version int32
}

func (r *CheckVersionRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	return appendInt32(b, r.Version)
}

func (r *CheckVersionRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Version = d.int32()
}

// ExistsRequest is the record of OpExists.
type ExistsRequest struct {
	Path  string
	Watch bool
}

func (r *ExistsRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	return appendBool(b, r.Watch)
}

func (r *ExistsRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Watch = d.bool()
}

// ExistsResponse answers OpExists.
type ExistsResponse struct{ Stat Stat }

func (r *ExistsResponse) Append(b []byte) []byte { return r.Stat.Append(b) }

func (r *ExistsResponse) Decode(d *Decoder) { r.Stat.Decode(d) }

// GetDataRequest is the record of OpGetData.
type GetDataRequest struct {
	Path  string
	Watch bool
}

func (r *GetDataRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	return appendBool(b, r.Watch)
}

func (r *GetDataRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Watch = d.bool()
}

// GetDataResponse answers OpGetData.
type GetDataResponse struct {
	Data []byte
	Stat Stat
}

func (r *GetDataResponse) Append(b []byte) []byte {
	b = appendBuffer(b, r.Data)
	return r.Stat.Append(b)
}

func (r *GetDataResponse) Decode(d *Decoder) {
	r.Data = d.buffer()
	r.Stat.Decode(d)
}

// SetDataRequest is the record of OpSetData.
type SetDataRequest struct {
	Path    string
	Data    []byte
	Version int32
}

func (r *SetDataRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	b = appendBuffer(b, r.Data)
	return appendInt32(b, r.Version)
}

func (r *SetDataRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Data = d.buffer()
	r.Version = d.int32()
}

// SetDataResponse answers OpSetData.
type SetDataResponse struct{ Stat Stat }

func (r *SetDataResponse) Append(b []byte) []byte { return r.Stat.Append(b) }

func (r *SetDataResponse) Decode(d *Decoder) { r.Stat.Decode(d) }

// SyncRequest is the record of OpSync.
type SyncRequest struct{ Path string }

func (r *SyncRequest) Append(b []byte) []byte { return appendString(b, r.Path) }

func (r *SyncRequest) Decode(d *Decoder) { r.Path = d.string() }

// SyncResponse answers OpSync.
type SyncResponse struct{ Path string }

func (r *SyncResponse) Append(b []byte) []byte { return appendString(b, r.Path) }

func (r *SyncResponse) Decode(d *Decoder) { r.Path = d.string() }
