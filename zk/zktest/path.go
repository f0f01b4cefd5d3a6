package zktest

import "strings"

// validPath reports whether a znode can have the path (PathUtils.validatePath).
func validPath(path string) bool {
	if path == "/" {
		return true
	}
	if !strings.HasPrefix(path, "/") {
		return false
	}
	for name := range strings.SplitSeq(path[1:], "/") {
		if name == "" || name == "." || name == ".." || strings.ContainsFunc(name, forbidden) {
			return false
		}
	}
	return true
}

// forbidden reports whether a path cannot contain r: control characters, and in UTF-16 the surrogates, the private use
// area and the specials. So everything beyond U+FFFF is out, and what is not UTF-8, which Java reads as U+FFFD.
func forbidden(r rune) bool {
	return r <= 0x1f || r >= 0x7f && r <= 0x9f || r >= 0xd800 && r <= 0xf8ff || r >= 0xfff0
}

// looselyValid is validPath before 3.5, where the ends of each range were allowed but for NUL.
func looselyValid(path string) bool {
	return validPath(strings.Map(func(r rune) rune {
		if r == 0x1f || r == 0x7f || r == 0x9f || r == 0xd800 || r == 0xf8ff || r == 0xfff0 || r == 0xffff {
			return 'x'
		}
		return r
	}, path))
}

// anyPath is the rule of a server that does not look: a znode has a name, which the last slash
// begins.
func anyPath(path string) bool {
	return path == "/" || strings.Contains(path, "/") && !strings.HasSuffix(path, "/")
}
