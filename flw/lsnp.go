package flw

import (
	"encoding/json"
	"time"
)

// LastSnapshot describes the last snapshot that a server finished writing.
type LastSnapshot struct {
	Zxid int64     // the last transaction in it, -1 if there is no snapshot
	Time time.Time // to the second; zero if there is no snapshot
}

// ParseLsnp reads what lsnp (last_snapshot, since 3.6) answers: a JSON object with the members "zxid", in hex, and
// "timestamp", in seconds. lsnp is a command of ZooKeeper's AdminServer, at http://host:8080/commands/lsnp;
// on the client port servers up to 3.9 close the connection without a reply, so [Ask] returns [ErrNoReply].
func ParseLsnp(reply string) (LastSnapshot, error) {
	var object struct {
		Zxid      *string `json:"zxid"`
		Timestamp int64   `json:"timestamp"`
	}
	if err := json.Unmarshal([]byte(reply), &object); err != nil || object.Zxid == nil {
		return LastSnapshot{}, notA("lsnp", reply)
	}
	var n numbers
	s := LastSnapshot{Zxid: n.hex("zxid", *object.Zxid)}
	if object.Timestamp >= 0 {
		s.Time = time.Unix(object.Timestamp, 0)
	}
	return s, n.err
}
