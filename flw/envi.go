package flw

// Envi is the reply to envi: the server's Java environment by property, such as "java.version",
// and its "zookeeper.version".
type Envi map[string]string

// ParseEnvi reads a reply to envi: a heading and "name=value" on each further line.
func ParseEnvi(reply string) (Envi, error) {
	e := Envi(pairs(reply, "="))
	if len(e) == 0 {
		return nil, notA("envi", reply)
	}
	return e, nil
}
