//go:build !linux

package fs

import (
	"errors"

	"github.com/zkfs/zkfs/internal/poke"
)

// Stand-ins for what only Linux has, so that programs which import this package compile elsewhere. The values are those of the
// FUSE protocol; where the system has no such thing they are 0. Nothing here is tested on a mount.
const (
	kernelDropsPrivileges = 0
	readOnlyMount         = 0

	openDSync  = 0
	openDirect = 0

	renameNoReplace = 1 << 0
	renameExchange  = 1 << 1

	xattrCreate  = 1
	xattrReplace = 2
	seekHole     = 4

	statxBasic = 0x7ff
	statxBirth = 0x800
)

func apart(f func() error) error { return f() }

func closeOnExec(string) {}

func ending(uint32) (<-chan struct{}, func(), error) { return nil, nil, errors.ErrUnsupported }

func unmountLazily(string) error { return errors.ErrUnsupported }

func mountOn(string) (poke.Mount, error) { return poke.Mount{}, errors.ErrUnsupported }
