package ensemble

// WatchMode says how changes by other clients are noticed.
type WatchMode int32

const (
	// WatchTree uses one persistent recursive watch on the root (ZooKeeper 3.6). With
	// older servers an ensemble falls back to WatchNode and logs it.
	WatchTree WatchMode = iota
	// WatchNode uses a watch for each znode that was asked about.
	WatchNode
	// WatchOff uses none: what is known is trusted for a second.
	WatchOff
)

// String returns the mode as the command line spells it.
func (m WatchMode) String() string {
	return [...]string{"tree", "node", "off"}[m]
}
