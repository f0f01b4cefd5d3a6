package cut

import (
	"sync"

	"github.com/zkfs/zkfs/zk"
)

// A batch is znodes that are read by one request, and their ACLs.
type batch struct {
	paths []string
	data  []zk.Result
	acls  []zk.Result
	err   error // none was read
}

// read reads data and ACLs at the same time.
func (b *batch) read(c *zk.Conn) {
	var acls sync.WaitGroup
	acls.Go(func() { b.readACLs(c) }) // ends with the replies
	b.readData(c)
	acls.Wait()
}

func (b *batch) readData(c *zk.Conn) {
	ops := make([]any, len(b.paths))
	for i, p := range b.paths {
		ops[i] = &zk.GetDataRequest{Path: p}
	}
	b.data, b.err = c.MultiRead(ops...)
}

func (b *batch) readACLs(c *zk.Conn) {
	ops := make([]any, len(b.paths))
	for i, p := range b.paths {
		ops[i] = &zk.GetACLRequest{Path: p}
	}
	b.acls = c.Pipeline(ops...)
}
