package flw

import "strings"

// ParseWchc reads a reply to wchc: the paths that each session watches for data. Child watches are not in it.
// The error names the first session whose number is none; its paths are missing.
func ParseWchc(reply string) (map[int64][]string, error) {
	watches := make(map[int64][]string)
	var n numbers
	err := groups("wchc", reply, func(session string, path string) {
		id, ok := n.session(session)
		if ok {
			watches[id] = append(watches[id], path)
		}
	})
	if err != nil {
		return nil, err
	}
	return watches, n.err
}

// session reads an id that belongs to an entry, which is lost without it.
func (n *numbers) session(text string) (id int64, ok bool) {
	var one numbers
	id = one.hex("session", text)
	if one.err != nil && n.err == nil {
		n.err = one.err
	}
	return id, one.err == nil
}

// groups goes through a reply in which indented lines belong to the last line that is not
// (WatchManager.dumpWatches). A server without watches prints an empty line.
func groups(word, reply string, each func(head, entry string)) error {
	var head string
	for line := range lines(reply) {
		entry, indented := strings.CutPrefix(line, "\t")
		switch {
		case line == "":
		case !indented:
			head = line
		case head == "":
			return notA(word, reply)
		default:
			each(head, entry)
		}
	}
	if reply == "" {
		return ErrNoReply
	}
	return nil
}
