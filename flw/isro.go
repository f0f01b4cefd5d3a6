package flw

import "strings"

// ParseIsro reports whether a reply to isro says that the server is read-only ("ro") or serves
// reads and writes ("rw"). A server without a quorum that is not in read-only mode prints "null": [ErrNotServing].
func ParseIsro(reply string) (readOnly bool, err error) {
	switch strings.TrimSpace(reply) {
	case "ro":
		return true, nil
	case "rw":
		return false, nil
	case "null":
		return false, ErrNotServing
	}
	return false, notA("isro", reply)
}
