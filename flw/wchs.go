package flw

import "strings"

// Wchs is the reply to wchs: a summary of the server's data watches. Child watches are not counted.
type Wchs struct {
	Connections int64 // that have watches
	Paths       int64 // that are watched
	Watches     int64
}

// ParseWchs reads a reply to wchs.
func ParseWchs(reply string) (Wchs, error) {
	var w Wchs
	var n numbers
	known := false
	for line := range lines(reply) {
		if total, ok := strings.CutPrefix(line, "Total watches:"); ok {
			w.Watches = n.int("watches", strings.TrimSpace(total))
			known = true
		} else if connections, paths, ok := strings.Cut(line, " connections watching "); ok {
			w.Connections = n.int("connections", connections)
			w.Paths = n.int("paths", strings.TrimSuffix(paths, " paths"))
			known = true
		}
	}
	if !known {
		return Wchs{}, notA("wchs", reply)
	}
	return w, n.err
}
