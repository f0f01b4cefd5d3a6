package flw

import "strconv"

// Mntr is the reply to mntr: the server's metrics by name, such as "zk_server_state" or "zk_avg_latency".
// There are about twenty up to 3.5, several hundred from 3.6 on; those of a leader include
// "zk_synced_followers". A metric may be absent from any server.
type Mntr map[string]string

// ParseMntr reads a reply to mntr: a name, a tab and a value on each line.
func ParseMntr(reply string) (Mntr, error) {
	m := Mntr(pairs(reply, "\t"))
	if len(m) == 0 {
		return nil, notA("mntr", reply)
	}
	return m, nil
}

// Int returns a metric that is a whole number; ok is false if it is absent or something else.
func (m Mntr) Int(name string) (value int64, ok bool) {
	value, err := strconv.ParseInt(m[name], 10, 64)
	return value, err == nil
}

// Float returns a metric that is a number; ok is false if it is absent or something else.
func (m Mntr) Float(name string) (value float64, ok bool) {
	value, err := strconv.ParseFloat(m[name], 64)
	return value, err == nil
}
