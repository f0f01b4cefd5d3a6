package wire

// ACL is one entry of an access control list, with the identity flattened into it (data.ACL and data.Id).
type ACL struct {
	Perms  int32
	Scheme string
	ID     string
}

// aclMinSize is the least that an encoded ACL takes.
const aclMinSize = 12

func (r *ACL) Append(b []byte) []byte {
	b = appendInt32(b, r.Perms)
	b = appendString(b, r.Scheme)
	return appendString(b, r.ID)
}

func (r *ACL) Decode(d *Decoder) {
	r.Perms = d.int32()
	r.Scheme = d.string()
	r.ID = d.string()
}

// GetACLRequest is the record of OpGetACL.
type GetACLRequest struct{ Path string }

func (r *GetACLRequest) Append(b []byte) []byte { return appendString(b, r.Path) }

func (r *GetACLRequest) Decode(d *Decoder) { r.Path = d.string() }

// GetACLResponse answers OpGetACL.
type GetACLResponse struct {
	ACL  []ACL
	Stat Stat
}

func (r *GetACLResponse) Append(b []byte) []byte {
	b = appendRecords(b, r.ACL)
	return r.Stat.Append(b)
}

func (r *GetACLResponse) Decode(d *Decoder) {
	r.ACL = decodeRecords[ACL](d, aclMinSize)
	r.Stat.Decode(d)
}

// SetACLRequest is the record of OpSetACL.
type SetACLRequest struct {
	Path    string
	ACL     []ACL
	Version int32
}

func (r *SetACLRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	b = appendRecords(b, r.ACL)
	return appendInt32(b, r.Version)
}

func (r *SetACLRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.ACL = decodeRecords[ACL](d, aclMinSize)
	r.Version = d.int32()
}

// SetACLResponse answers OpSetACL.
type SetACLResponse struct{ Stat Stat }

func (r *SetACLResponse) Append(b []byte) []byte { return r.Stat.Append(b) }

func (r *SetACLResponse) Decode(d *Decoder) { r.Stat.Decode(d) }
