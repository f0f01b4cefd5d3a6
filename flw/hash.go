package flw

import "strings"

// Digest is the digest of the whole tree after a transaction (since 3.6). Servers that
// hold the same data have the same digest at the same zxid.
type Digest struct {
	Zxid   int64
	Digest int64
}

// ParseHash reads a reply to hash: the latest digests, oldest first, one for every 128 transactions.
// It is empty on a server that has none yet.
func ParseHash(reply string) ([]Digest, error) {
	var list []Digest
	for line := range lines(reply) {
		zxid, digest, ok := strings.Cut(line, ": ")
		if !ok {
			continue
		}
		var n numbers
		d := Digest{Zxid: n.hex("zxid", zxid), Digest: n.int("digest", digest)}
		if n.err != nil {
			return list, n.err
		}
		list = append(list, d)
	}
	if list == nil && reply != "" {
		return nil, notA("hash", reply)
	}
	return list, nil
}
