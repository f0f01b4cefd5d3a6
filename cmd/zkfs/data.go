package main

import (
	"errors"
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

// dataOf returns the data that argument names, and the most of it that the servers take. argument
// is - for standard input.
func (z *command) dataOf(c *cli.Context, argument string) (data []byte, most int, err error) {
	most = usualMaxData
	if c.IsSet("max-data") {
		most, _ = parseSize(c.String("max-data")) // was checked
	}
	data = []byte(argument)
	if argument == "-" {
		if data, err = io.ReadAll(io.LimitReader(z.in, int64(most)+1)); err != nil {
			return nil, 0, usagef("standard input: %s", plain(err))
		}
	}
	if len(data) > most {
		return nil, 0, failf(exitRefused, "DATA has more than %d bytes, the most that the "+
			"servers take (jute.maxbuffer)", most).
			hinting("if the servers are set to take more: --max-data BYTES")
	}
	return data, most, nil
}

// once is ask for a change that may not be made twice.
func (e *errand) once(f func() error) error {
	return e.ask(func() error {
		err := f()
		var interrupted *zk.InterruptedError
		if zk.MaybeApplied(err) && !errors.As(err, &interrupted) {
			return failf(exitConnect, "%s: the connection was lost before the answer: the znode "+
				"may have been created", e.name).
				hinting("look before you create another")
		}
		return err
	})
}
