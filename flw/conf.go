package flw

import (
	"strconv"
	"strings"
)

// Conf is the reply to conf: the server's configuration.
type Conf struct {
	// Values are the settings by name, such as "clientPort", "dataDir" or, in an ensemble since 3.5, "version":
	// that of the membership, in hex.
	Values map[string]string

	// Members are the servers of the ensemble by id, as in zoo.cfg:
	// "host:2888:3888:participant;host:2181". Empty on a single server, before 3.5, and in read-only mode.
	Members map[int64]string
}

// ParseConf reads a reply to conf: "name=value" on each line.
func ParseConf(reply string) (Conf, error) {
	c := Conf{Values: pairs(reply, "="), Members: make(map[int64]string)}
	if len(c.Values) == 0 {
		return Conf{}, notA("conf", reply)
	}
	for name, value := range c.Values {
		id, ok := strings.CutPrefix(name, "server.")
		if !ok {
			continue
		}
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			c.Members[n] = value
			delete(c.Values, name)
		}
	}
	return c, nil
}
