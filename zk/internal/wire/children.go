package wire

// GetChildrenRequest is the record of OpGetChildren and, under the name GetChildren2Request, of OpGetChildren2.
type GetChildrenRequest struct {
	Path  string
	Watch bool
}

func (r *GetChildrenRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	return appendBool(b, r.Watch)
}

func (r *GetChildrenRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Watch = d.bool()
}

// GetChildrenResponse answers OpGetChildren.
type GetChildrenResponse struct{ Children []string }

func (r *GetChildrenResponse) Append(b []byte) []byte { return appendStrings(b, r.Children) }

func (r *GetChildrenResponse) Decode(d *Decoder) { r.Children = d.strings() }

// GetChildren2Response answers OpGetChildren2.
type GetChildren2Response struct {
	Children []string
	Stat     Stat
}

func (r *GetChildren2Response) Append(b []byte) []byte {
	b = appendStrings(b, r.Children)
	return r.Stat.Append(b)
}

func (r *GetChildren2Response) Decode(d *Decoder) {
	r.Children = d.strings()
	r.Stat.Decode(d)
}

// GetEphemeralsRequest is the record of OpGetEphemerals.
type GetEphemeralsRequest struct{ PrefixPath string }

func (r *GetEphemeralsRequest) Append(b []byte) []byte { return appendString(b, r.PrefixPath) }

func (r *GetEphemeralsRequest) Decode(d *Decoder) { r.PrefixPath = d.string() }

// GetEphemeralsResponse answers OpGetEphemerals.
type GetEphemeralsResponse struct{ Ephemerals []string }

func (r *GetEphemeralsResponse) Append(b []byte) []byte { return appendStrings(b, r.Ephemerals) }

func (r *GetEphemeralsResponse) Decode(d *Decoder) { r.Ephemerals = d.strings() }

// GetAllChildrenNumberRequest is the record of OpGetAllChildrenNumber.
type GetAllChildrenNumberRequest struct{ Path string }

func (r *GetAllChildrenNumberRequest) Append(b []byte) []byte { return appendString(b, r.Path) }

func (r *GetAllChildrenNumberRequest) Decode(d *Decoder) { r.Path = d.string() }

// GetAllChildrenNumberResponse answers OpGetAllChildrenNumber.
type GetAllChildrenNumberResponse struct{ TotalNumber int32 }

func (r *GetAllChildrenNumberResponse) Append(b []byte) []byte { return appendInt32(b, r.TotalNumber) }

func (r *GetAllChildrenNumberResponse) Decode(d *Decoder) { r.TotalNumber = d.int32() }
