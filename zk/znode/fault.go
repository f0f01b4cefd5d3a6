package znode

import (
	"errors"
	"fmt"

	"github.com/zkfs/zkfs/zk"
)

// Fault returns the error of [zk.Conn.Multi] with the operation at fault in its text, as in "delete
// /a: zk: node has children": in responses that is the one with an error other than ErrRolledBack.
// Without one, as after a lost connection, it returns err as it is.
func Fault(ops []any, responses []zk.MultiResponse, err error) error {
	for i, r := range responses {
		if r.Error == nil || errors.Is(r.Error, zk.ErrRolledBack) {
			continue
		}
		switch op := ops[i].(type) {
		case *zk.CreateRequest:
			return fmt.Errorf("create %s: %w", op.Path, err)
		case *zk.CreateContainerRequest:
			return fmt.Errorf("create %s: %w", op.Path, err)
		case *zk.CreateTTLRequest:
			return fmt.Errorf("create %s: %w", op.Path, err)
		case *zk.SetDataRequest:
			return fmt.Errorf("set %s: %w", op.Path, err)
		case *zk.DeleteRequest:
			return fmt.Errorf("delete %s: %w", op.Path, err)
		case *zk.CheckVersionRequest:
			return fmt.Errorf("check %s: %w", op.Path, err)
		}
	}
	return err
}
