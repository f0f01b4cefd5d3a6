package names

import (
	"strings"
	"unicode/utf8"
)

// The names that a directory of the mount adds to those of its znodes.
const (
	Data   = ".data"   // the data of the directory's own znode; exists when there is some
	Lock   = ".lock"   // the Lock recipe on the directory's znode; never listed
	Status = ".status" // what the mount knows and what the servers say; in the root, not listed
)

// Reserved reports whether name means something else than a znode in a directory of the mount.
func Reserved(name string, root bool) bool {
	return name == Data || name == Lock || root && name == Status
}

// A znode whose name is Reserved is shown with its first byte percent-escaped, and one whose name
// reads as such an escape with its percent sign escaped. So every name shown stands for one znode,
// and no other name ever changes:
//
//	znode    .data       %2Edata       %252Edata       %2Efoo
//	shown    %2Edata     %252Edata     %25252Edata     %2Efoo

// Shown returns the name under which the znode called name appears in its directory.
func Shown(name string, root bool) string { return ofMount(root).Shown(name) }

// Znode returns the name of the znode that appears as shown, the inverse of Shown.
// It must not be asked about a Reserved name, which stands for no znode.
func Znode(shown string, root bool) string { return ofMount(root).Znode(shown) }

// A Reserve reports whether a name means something else than a znode in a directory, as [Reserved]
// does for those of a mount. All names that it reserves begin with a dot.
type Reserve func(name string) bool

func ofMount(root bool) Reserve {
	return func(name string) bool { return Reserved(name, root) }
}

// Shown is the function Shown for a directory with these reserved names.
func (r Reserve) Shown(name string) string {
	switch {
	case r(name):
		return "%2E" + name[1:]
	case r.escaped(name):
		return "%25" + name[1:]
	default:
		return name
	}
}

// Znode is the inverse of Shown.
func (r Reserve) Znode(shown string) string {
	switch {
	case !r.escaped(shown):
		return shown
	case strings.HasPrefix(shown, "%2E"):
		return "." + shown[3:]
	default:
		return "%" + shown[3:]
	}
}

// escaped reports whether name is a percent sign, any number of "25" and the rest of an escaped
// reserved name.
func (r Reserve) escaped(name string) bool {
	rest, ok := strings.CutPrefix(name, "%")
	if !ok {
		return false
	}
	for strings.HasPrefix(rest, "25") {
		rest = rest[2:]
	}
	rest, ok = strings.CutPrefix(rest, "2E")
	return ok && r("."+rest)
}

// Valid reports whether a znode can have that name (PathUtils.validatePath of the server). Code
// points above U+FFFF are refused there too: Java checks UTF-16 units, and surrogates are not
// allowed.
func Valid(name string) bool {
	if name == "" || name == "." || name == ".." || !utf8.ValidString(name) {
		return false
	}
	for _, r := range name {
		switch {
		case r == '/',
			r <= 0x1f,
			r >= 0x7f && r <= 0x9f,
			r >= 0xd800 && r <= 0xf8ff,
			r >= 0xfff0:
			return false
		}
	}
	return true
}
