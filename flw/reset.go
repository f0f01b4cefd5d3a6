package flw

import "strings"

// ParseReset reports whether a reply to crst (reset the statistics of every connection) or srst (reset those of
// the server) confirms that it was done.
func ParseReset(reply string) bool {
	switch strings.TrimSpace(reply) {
	case "Connection stats reset.", "Server stats reset.":
		return true
	}
	return false
}
