package zk

// EventType says what a watch saw.
type EventType int32

const (
	EventNodeCreated         = EventType(1)
	EventNodeDeleted         = EventType(2)
	EventNodeDataChanged     = EventType(3)
	EventNodeChildrenChanged = EventType(4)

	// EventSession reports a change of the connection's state.
	EventSession = EventType(-1)
	// EventNotWatching ends a one-shot watch that can no longer fire: the session is over. Err says why.
	EventNotWatching = EventType(-2)
	// EventLost stands in the queue of a [Watcher] for events that may be missing, because the queue was full or the
	// connection was away, or the server did not say which znode below Path has changed; then it comes to
	// [Conn.OnEvent] too. Look at the znodes again.
	EventLost = EventType(-3)
)

var eventNames = map[EventType]string{
	EventNodeCreated:         "EventNodeCreated",
	EventNodeDeleted:         "EventNodeDeleted",
	EventNodeDataChanged:     "EventNodeDataChanged",
	EventNodeChildrenChanged: "EventNodeChildrenChanged",
	EventSession:             "EventSession",
	EventNotWatching:         "EventNotWatching",
	EventLost:                "EventLost",
}

// String returns the constant's name, "Unknown" for any other value.
func (t EventType) String() string {
	if name := eventNames[t]; name != "" {
		return name
	}
	return "Unknown"
}

// State is the state of a connection or, in an Event, the state that the server reported.
type State int32

const (
	StateUnknown           = State(-1)
	StateDisconnected      = State(0)
	StateConnecting        = State(1)
	StateSyncConnected     = State(3) // the state that servers put into watch events
	StateAuthFailed        = State(4)
	StateConnectedReadOnly = State(5)
	StateSaslAuthenticated = State(6)
	StateExpired           = State(-112)
	StateConnected         = State(100) // a transport is up, the session is not yet agreed on
	StateHasSession        = State(101)
)

var stateNames = map[State]string{
	StateUnknown:           "StateUnknown",
	StateDisconnected:      "StateDisconnected",
	StateConnecting:        "StateConnecting",
	StateSyncConnected:     "StateSyncConnected",
	StateAuthFailed:        "StateAuthFailed",
	StateConnectedReadOnly: "StateConnectedReadOnly",
	StateSaslAuthenticated: "StateSaslAuthenticated",
	StateExpired:           "StateExpired",
	StateConnected:         "StateConnected",
	StateHasSession:        "StateHasSession",
}

// String returns the constant's name, "Unknown" for any other value.
func (s State) String() string {
	if name := stateNames[s]; name != "" {
		return name
	}
	return "Unknown"
}

// Event is what a watch or the session has to tell.
type Event struct {
	Type   EventType
	State  State
	Path   string // For non-session events, the path of the watched node; below the chroot, see [Conn.OnEvent].
	Err    error  // why the connection was lost, or, with StateConnecting, why the last attempt failed
	Server string // For connection events

	// Zxid is the transaction of the change that a watch event tells, 0 where the server does not say:
	// ZooKeeper does from 3.9 on, but not for what a watch missed while the connection was away
	// (ZOOKEEPER-4655). It is not what the session has seen, see [Conn.LastZxid].
	Zxid int64
}
