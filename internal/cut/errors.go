package cut

import "errors"

var (
	// ErrUnsupported says that the server lacks what a cut needs.
	ErrUnsupported = errors.New("the server lacks multiRead or recursive watches, which ZooKeeper " +
		"has from 3.6 on: without them no tree can be read as of one moment")

	// ErrBusy says that the tree changes faster than it can be read.
	ErrBusy = errors.New("the tree changes faster than it can be read")

	// ErrLost says that the connection was lost, and with it the events of an unknown time.
	ErrLost = errors.New("the connection was lost")
)
