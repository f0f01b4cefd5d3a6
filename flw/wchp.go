package flw

// ParseWchp reads a reply to wchp: the sessions that watch each path for data. Child watches are not in it.
// The error names the first session whose number is none; it is missing.
func ParseWchp(reply string) (map[string][]int64, error) {
	watches := make(map[string][]int64)
	var n numbers
	err := groups("wchp", reply, func(path, session string) {
		id, ok := n.session(session)
		if ok {
			watches[path] = append(watches[path], id)
		}
	})
	if err != nil {
		return nil, err
	}
	return watches, n.err
}
