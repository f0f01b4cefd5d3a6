// Package xattr shows what ZooKeeper knows about a znode as extended attributes: their names, which of them
// are listed and can be set, and the text of each value, printed and parsed.
//
// The package asks nobody and holds nothing. It gets what it prints from a [Source], and gives what was parsed
// back to its caller, who talks to the server.
package xattr

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/zkfs/zkfs/zk"
)

// The values of user.zk.type.
const (
	TypeFile      = "file"
	TypeDirectory = "directory"
	TypeEphemeral = "ephemeral" // a file that goes with a session
)

// ErrAbsent says that a file has no attribute of a name.
var ErrAbsent = errors.New("xattr: no such attribute")

// Source is the znode whose attributes are read. Reading one calls only the methods that its
// value needs; those that return an error may ask a server, and their error becomes that of [Get].
type Source interface {
	Path() string              // of the znode
	Type() (string, error)     // TypeFile, TypeDirectory or TypeEphemeral
	Stat() (*zk.Stat, error)   // not nil without an error
	ACL() ([]zk.ACL, error)    // as the server has it at this moment
	Descendants() (int, error) // children, their children, and so on
	Lock() (Lock, error)       // ErrAbsent if the file is none that can be locked
}

// Lock is the state of a lock file.
type Lock struct {
	Queue  int    // how many hold the lock or wait for it
	Zxid   int64  // the holder's fencing number, larger than that of each holder before
	Holder string // what the holder says about itself; empty if the lock is free
}

// Write is what setting an attribute does.
type Write int

const (
	WriteNever   Write = iota // nothing: the value is the server's, or follows from other things
	WriteIgnored              // nothing, but a well-formed value is accepted, because tools that restore files set it
	WriteACL                  // the znode's ACL becomes what [ParseACL] reads
	WriteType                 // the file becomes TypeFile, TypeDirectory or TypeEphemeral
)

// Attribute is a row of the table.
type Attribute struct {
	Name   string
	Listed bool // tools that copy or show attributes meet it
	Write  Write

	text  func(Source) (string, error)
	check func(value string) error // nil for WriteNever
}

// The table of all attributes. A further attribute is a further row; those of single fields
// of Stat follow from the fields in stat.go.
var table = append([]Attribute{
	{Name: "user.zk.acl", Listed: true, Write: WriteACL, text: aclText, check: checkACL},
	{Name: "user.zk.stat", Listed: true, Write: WriteIgnored, text: statText, check: checkStat},
	{Name: "user.zk.type", Write: WriteType, text: typeText, check: checkType},
	{Name: "user.zk.path", text: pathText},
	{Name: "user.zk.descendants", text: descendantsText},
	{Name: "user.zk.lock", text: lockText},
}, fieldAttributes()...)

// List returns the names that a file lists. There are more: see [Lookup].
func List() []string {
	var names []string
	for _, a := range table {
		if a.Listed {
			names = append(names, a.Name)
		}
	}
	return names
}

// Lookup returns the attribute of a name.
func Lookup(name string) (a Attribute, ok bool) {
	for _, a := range table {
		if a.Name == name {
			return a, true
		}
	}
	return Attribute{}, false
}

// Get returns the value of an attribute: [ErrAbsent] if there is none of that name, else what the
// methods of the source return.
func Get(name string, source Source) (string, error) {
	a, ok := Lookup(name)
	if !ok {
		return "", ErrAbsent
	}
	return a.text(source)
}

// Check says what is wrong with a value that somebody wants to set, or nil. For an
// attribute of WriteNever every value is wrong.
func (a Attribute) Check(value string) error {
	if a.check == nil {
		return fmt.Errorf("xattr: %s cannot be set", a.Name)
	}
	return a.check(value)
}

func pathText(s Source) (string, error) { return s.Path(), nil }

func typeText(s Source) (string, error) { return s.Type() }

func checkType(value string) error {
	switch value {
	case TypeFile, TypeDirectory, TypeEphemeral:
		return nil
	}
	return fmt.Errorf("xattr: %.40q is no type: use %s, %s or %s",
		value, TypeFile, TypeDirectory, TypeEphemeral)
}

func descendantsText(s Source) (string, error) {
	n, err := s.Descendants()
	if err != nil {
		return "", err
	}
	return strconv.Itoa(n), nil
}

// lockText prints "queue=2 zxid=0x1c holder="web1 4711 ./deploy.sh"", the queue alone if the lock is free. The quotes
// keep what a holder wrote on one line.
func lockText(s Source) (string, error) {
	l, err := s.Lock()
	if err != nil {
		return "", err
	}
	text := "queue=" + strconv.Itoa(l.Queue)
	if l.Queue > 0 {
		text += " zxid=0x" + strconv.FormatUint(uint64(l.Zxid), 16)
	}
	if l.Holder != "" {
		text += " holder=" + strconv.Quote(l.Holder)
	}
	return text, nil
}
