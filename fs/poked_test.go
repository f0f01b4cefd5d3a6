package fs

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// No request about a ghost, nor about what the poker has open, reaches the nodes: they do not know
// either, and go-fuse ends the process for that.
func TestNodesDoNotHearOfGhosts(t *testing.T) {
	const poker, program = 7, 8
	requests := reflect.TypeFor[fuse.RawFileSystem]()
	for i := range requests.NumMethod() {
		method := requests.Method(i)
		if slices.Contains([]string{"String", "SetDebug", "Init", "OnUnmount"}, method.Name) {
			continue // no requests
		}
		for _, pid := range []uint32{poker, program} {
			for _, node := range []uint64{ghostBit | 1, 2} {
				nodes := &raw{RawFileSystem: realOnly{}, nodes: newNodes(&dir{}), lookers: &lookers{}}
				p := &poked{RawFileSystem: nodes, raw: nodes, pokes: &announced{}} // no node answers
				p.pokes.thread.Store(poker)
				var args []reflect.Value
				hasHandle := false
				for k := range method.Type.NumIn() {
					arg := reflect.New(method.Type.In(k)).Elem()
					switch {
					case arg.Kind() == reflect.Uint64:
						arg.SetUint(node)
					case arg.Kind() == reflect.Pointer:
						arg = reflect.New(arg.Type().Elem())
						hasHandle = addressed(arg.Elem(), node, pid) || hasHandle
					}
					args = append(args, arg)
				}
				if node&ghostBit == 0 && !hasHandle {
					continue
				}
				what := fmt.Sprintf("%s of node %#x by %d", method.Name, node, pid)
				t.Run(what, func(t *testing.T) {
					defer func() {
						if r := recover(); r != nil {
							t.Errorf("reached a node: %v", r)
						}
					}()
					reflect.ValueOf(fuse.RawFileSystem(p)).Method(i).Call(args)
				})
			}
		}
	}
}

// addressed makes a request one about that node and pokeHandle, and reports whether it has a handle.
func addressed(request reflect.Value, node uint64, pid uint32) (hasHandle bool) {
	for name, value := range map[string]uint64{
		"NodeId": node, "Pid": uint64(pid), "Fh": pokeHandle, "FhIn": pokeHandle, "FhOut": pokeHandle,
	} {
		field := request.FieldByName(name)
		if field.IsValid() && request.FieldByName("Unique").IsValid() {
			field.SetUint(value)
			hasHandle = hasHandle || value == pokeHandle
		}
	}
	return hasHandle
}
