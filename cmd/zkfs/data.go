package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/zkfs/zkfs/zk"
)

// usualMaxData is the most data of a znode that servers and mounts take where nothing else is set:
// jute.maxbuffer is 1048575 bytes, and a request has more in it than the data.
const usualMaxData = 1<<20 - 1 - requestRoom

func maxDataFlag() cli.Flag {
	usual := fmt.Sprint(usualMaxData)
	return &valued{&cli.StringFlag{Name: "max-data", Category: inConnect, DefaultText: usual,
		Usage: "the most `BYTES` in a znode that the servers take, a bit less than their " +
			"jute.maxbuffer"}, aDataSize}
}

// dataText is what the help says of DATA.
const dataText = "DATA is any bytes. With - they come from standard input; what begins with a " +
	"hyphen stands " +
	"behind --, as in `zkfs set PATH -- -5`."

// maxDataOf returns the most data of a znode that the servers take, as the command line has it.
func maxDataOf(c *cli.Context) int {
	most := usualMaxData
	if c.IsSet("max-data") {
		most, _ = parseSize(c.String("max-data")) // was checked
	}
	return most
}

// dataOf returns the data that argument names, and the most of it that the servers take. argument
// is - for standard input.
func (z *command) dataOf(c *cli.Context, argument string) (data []byte, most int, err error) {
	most = maxDataOf(c)
	data = []byte(argument)
	if argument == "-" {
		if data, err = io.ReadAll(io.LimitReader(z.in, int64(most)+1)); err != nil {
			return nil, 0, usagef("standard input: %s", plain(err))
		}
	}
	return data, most, checkData(data, most)
}

// checkData refuses data of more than so many bytes.
func checkData(data []byte, most int) error {
	if len(data) <= most {
		return nil
	}
	return failf(exitRefused, "DATA has more than %d bytes, the most that the "+
		"servers take (jute.maxbuffer)", most).
		hinting("if the servers are set to take more: --max-data BYTES")
}

// once is ask for the creation of a znode in parent, which may not be made twice. After a lost
// connection it is made again if parent proves that nothing was created there.
func (e *errand) once(parent string, create func() error) error {
	before, err := e.look(parent)
	if err != nil {
		return err
	}
	return e.ask(func() error {
		err := create()
		if !zk.MaybeApplied(err) || e.ctx.Err() != nil {
			return err
		}
		if after, err := e.look(parent); err != nil || before == nil || after == nil ||
			after.Pzxid != before.Pzxid || after.Cversion != before.Cversion {
			return failf(exitConnect, "%s: the connection was lost before the answer: the znode "+
				"may have been created", e.name).
				hinting("look before you create another")
		}
		return err
	})
}

// look returns the Stat of the znode, nil without one, when all that was sent before has taken
// effect or never will.
func (e *errand) look(znode string) (st *zk.Stat, err error) {
	err = e.ask(func() error {
		if _, err := e.conn.Sync(znode); err != nil {
			return err
		}
		var found bool
		if found, st, err = e.conn.Exists(znode); !found {
			st = nil
		}
		return err
	})
	return st, err
}
