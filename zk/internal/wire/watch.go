package wire

import "strconv"

// EventType is the type in a notification (Watcher.Event.EventType). Removals are made by clients, no server sends them.
type EventType int32

const (
	EventNodeCreated         EventType = 1
	EventNodeDeleted         EventType = 2
	EventNodeDataChanged     EventType = 3
	EventNodeChildrenChanged EventType = 4
)

var eventNames = map[EventType]string{
	EventNodeCreated:         "created",
	EventNodeDeleted:         "deleted",
	EventNodeDataChanged:     "dataChanged",
	EventNodeChildrenChanged: "childrenChanged",
}

// String returns what happened to the znode, or the type's number.
func (t EventType) String() string {
	if name, ok := eventNames[t]; ok {
		return name
	}
	return strconv.Itoa(int(t))
}

// WatcherEvent is the record of a notification, whose ReplyHeader has XidNotification. The header's zxid is -1 up to
// 3.8 and that of the change from 3.9 on (ZOOKEEPER-4655).
type WatcherEvent struct {
	Type  EventType
	State int32
	Path  string
}

func (r *WatcherEvent) Append(b []byte) []byte {
	b = appendInt32(b, int32(r.Type))
	b = appendInt32(b, r.State)
	return appendString(b, r.Path)
}

func (r *WatcherEvent) Decode(d *Decoder) {
	r.Type = EventType(d.int32())
	r.State = d.int32()
	r.Path = d.string()
}

// SetWatches is the record of OpSetWatches, sent with XidSetWatches: it sets one-shot watches again on another connection.
// The server answers at once, with events, for znodes that changed after RelativeZxid. No record answers it.
type SetWatches struct {
	RelativeZxid int64
	DataWatches  []string
	ExistWatches []string
	ChildWatches []string
}

func (r *SetWatches) Append(b []byte) []byte {
	b = appendInt64(b, r.RelativeZxid)
	b = appendStrings(b, r.DataWatches)
	b = appendStrings(b, r.ExistWatches)
	return appendStrings(b, r.ChildWatches)
}

func (r *SetWatches) Decode(d *Decoder) {
	r.RelativeZxid = d.int64()
	r.DataWatches = d.strings()
	r.ExistWatches = d.strings()
	r.ChildWatches = d.strings()
}

// SetWatches2 is SetWatches with persistent watches (OpSetWatches2, 3.6 on). These are never answered with events:
// what happened to them in between is lost.
type SetWatches2 struct {
	SetWatches
	PersistentWatches          []string
	PersistentRecursiveWatches []string
}

func (r *SetWatches2) Append(b []byte) []byte {
	b = r.SetWatches.Append(b)
	b = appendStrings(b, r.PersistentWatches)
	return appendStrings(b, r.PersistentRecursiveWatches)
}

func (r *SetWatches2) Decode(d *Decoder) {
	r.SetWatches.Decode(d)
	r.PersistentWatches = d.strings()
	r.PersistentRecursiveWatches = d.strings()
}

// Modes of an AddWatchRequest (AddWatchMode.java).
const (
	AddWatchPersistent          int32 = 0
	AddWatchPersistentRecursive int32 = 1
)

// AddWatchRequest is the record of OpAddWatch.
type AddWatchRequest struct {
	Path string
	Mode int32
}

func (r *AddWatchRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	return appendInt32(b, r.Mode)
}

func (r *AddWatchRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Mode = d.int32()
}

// ErrorResponse answers OpAddWatch, with code 0, and stands in a MultiResponse.
type ErrorResponse struct{ Err Code }

func (r *ErrorResponse) Append(b []byte) []byte { return appendInt32(b, int32(r.Err)) }

func (r *ErrorResponse) Decode(d *Decoder) { r.Err = Code(d.int32()) }

// WatcherType says which watches on a path a RemoveWatchesRequest or CheckWatchesRequest means (Watcher.WatcherType).
type WatcherType int32

const (
	WatcherChildren            WatcherType = 1
	WatcherData                WatcherType = 2 // set by getData and exists
	WatcherAny                 WatcherType = 3
	WatcherPersistent          WatcherType = 4 // 3.9 on
	WatcherPersistentRecursive WatcherType = 5 // 3.9 on
)

var watcherNames = map[WatcherType]string{
	WatcherChildren:            "children",
	WatcherData:                "data",
	WatcherAny:                 "any",
	WatcherPersistent:          "persistent",
	WatcherPersistentRecursive: "persistentRecursive",
}

// String returns the kind of watches, or the type's number.
func (t WatcherType) String() string {
	if name, ok := watcherNames[t]; ok {
		return name
	}
	return strconv.Itoa(int(t))
}

// RemoveWatchesRequest is the record of OpRemoveWatches; no record answers it.
type RemoveWatchesRequest struct {
	Path string
	Type WatcherType
}

func (r *RemoveWatchesRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	return appendInt32(b, int32(r.Type))
}

func (r *RemoveWatchesRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Type = WatcherType(d.int32())
}

// CheckWatchesRequest is the record of OpCheckWatches; no record answers it.
type CheckWatchesRequest struct {
	Path string
	Type WatcherType
}

func (r *CheckWatchesRequest) Append(b []byte) []byte {
	b = appendString(b, r.Path)
	return appendInt32(b, int32(r.Type))
}

func (r *CheckWatchesRequest) Decode(d *Decoder) {
	r.Path = d.string()
	r.Type = WatcherType(d.int32())
}
