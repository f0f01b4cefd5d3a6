package main

import (
	"errors"
	"fmt"
)

// manyFaults is how many errors of one command are told.
const manyFaults = 10

// faults are the errors of a command that goes on after one.
type faults struct {
	errs []error // the first manyFaults
	more int
}

func (f *faults) add(err error) {
	if len(f.errs) == manyFaults {
		f.more++
		return
	}
	f.errs = append(f.errs, err)
}

// err returns all of them, nil if there are none. The exit code is that of the first.
func (f *faults) err() error {
	if f.more > 0 {
		return errors.Join(append(f.errs, fmt.Errorf("and %d more", f.more))...)
	}
	return errors.Join(f.errs...)
}
