package fs

// WatchMode says how the mount learns of changes that others make.
type WatchMode int32

const (
	// WatchTree uses one persistent recursive watch on the root of the mount (ZooKeeper 3.6). With older servers
	// the mount falls back to WatchNode and logs it.
	WatchTree WatchMode = iota
	// WatchNode uses a watch for each znode that the mount looked at.
	WatchNode
	// WatchOff uses none: what the mount knows is trusted for a second.
	WatchOff
)

// String returns the mode as the command line spells it.
func (m WatchMode) String() string {
	return [...]string{"tree", "node", "off"}[m]
}
