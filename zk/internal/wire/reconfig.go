package wire

// ReconfigRequest is the record of OpReconfig; GetDataResponse answers it. Empty strings are sent as null,
// which is how the server tells an incremental change from a full one.
type ReconfigRequest struct {
	JoiningServers string
	LeavingServers string
	NewMembers     string
	CurConfigID    int64
}

func (r *ReconfigRequest) Append(b []byte) []byte {
	for _, s := range []string{r.JoiningServers, r.LeavingServers, r.NewMembers} {
		if s == "" {
			b = appendInt32(b, -1)
		} else {
			b = appendString(b, s)
		}
	}
	return appendInt64(b, r.CurConfigID)
}

func (r *ReconfigRequest) Decode(d *Decoder) {
	r.JoiningServers = d.string()
	r.LeavingServers = d.string()
	r.NewMembers = d.string()
	r.CurConfigID = d.int64()
}
