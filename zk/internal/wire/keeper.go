package wire

// The records that ClickHouse Keeper has beside ZooKeeper's (ZooKeeperCommon.cpp).

// Which children a filtered list has.
const (
	ListAll int8 = iota
	ListPersistent
	ListEphemeral
)

// FilteredListRequest is the record of OpFilteredList, which GetChildren2Response answers.
type FilteredListRequest struct {
	Path  string
	Watch bool
	Type  int8
}

func (r *FilteredListRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	b = appendBool(b, r.Watch)
	return append(b, byte(r.Type))
}

func (r *FilteredListRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Watch = d.bool()
	r.Type = d.int8()
}

// FilteredListWithDataRequest is the record of OpFilteredListWithData.
type FilteredListWithDataRequest struct {
	Path      string
	Watch     bool
	Type      int8
	WithStats bool
	WithData  bool
}

func (r *FilteredListWithDataRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	b = appendBool(b, r.Watch)
	b = append(b, byte(r.Type))
	b = appendBool(b, r.WithStats)
	return appendBool(b, r.WithData)
}

func (r *FilteredListWithDataRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Watch = d.bool()
	r.Type = d.int8()
	r.WithStats = d.bool()
	r.WithData = d.bool()
}

// FilteredListWithDataResponse answers OpFilteredListWithData. Stats and Data have an element for
// each child, or none if they were not asked for.
type FilteredListWithDataResponse struct {
	Children []string
	Stat     Stat // of the znode itself
	Stats    []Stat
	Data     []Data
}

func (r *FilteredListWithDataResponse) Append(b []byte) []byte {
	b = appendStrings(b, r.Children)
	b = r.Stat.Append(b)
	b = appendRecords(b, r.Stats)
	return appendRecords(b, r.Data)
}

func (r *FilteredListWithDataResponse) Decode(d *Decoder) {
	r.Children = d.strings()
	r.Stat.Decode(d)
	r.Stats = decodeRecords[Stat](d, StatSize)
	r.Data = decodeRecords[Data](d, 4)
}

// Data is the data of one of several znodes.
type Data struct{ Data []byte }

func (r *Data) Append(b []byte) []byte { return appendBuffer(b, r.Data) }

func (r *Data) Decode(d *Decoder) { r.Data = d.buffer() }

// LimitedRequest is the record of OpRemoveRecursive and OpListRecursive. GetChildrenResponse
// answers the latter, with whole paths.
type LimitedRequest struct {
	Path  string
	Limit int32 // of znodes, as an unsigned number
}

func (r *LimitedRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	return appendInt32(b, r.Limit)
}

func (r *LimitedRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Limit = d.int32()
}

// CheckStatRequest is the record of OpCheckStat: a field of Stat that is -1 matches any.
type CheckStatRequest struct {
	Path    string
	Version int32
	Stat    Stat
}

func (r *CheckStatRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	b = appendInt32(b, r.Version)
	return r.Stat.Append(b)
}

func (r *CheckStatRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Version = d.int32()
	r.Stat.Decode(d)
}

// newKeeperMultiRequest is newMultiRequest for what ZooKeeper does not have in a multi.
func newKeeperMultiRequest(op Op) Record {
	switch op {
	case OpExists, OpGetChildren2, OpFilteredList, OpCheckNotExists, OpCreateIfNotExists,
		OpRemoveRecursive, OpCheckStat, OpTryRemove:
		return records[op].request()
	}
	return nil
}

// newKeeperMultiResult is newMultiResult for the same. A filtered list is answered under
// OpGetChildren2.
func newKeeperMultiResult(op Op) (Record, bool) {
	switch op {
	case OpExists, OpGetChildren2, OpCreateIfNotExists:
		return records[op].reply(), true
	case OpCheckNotExists, OpRemoveRecursive, OpCheckStat, OpTryRemove:
		return nil, true
	}
	return nil, false
}
