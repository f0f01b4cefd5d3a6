package flw

// Dirs is the reply to dirs (since 3.5.1): the size of the server's files, in bytes.
type Dirs struct {
	DataSize int64 // snapshots
	LogSize  int64 // transaction logs
}

// ParseDirs reads a reply to dirs.
func ParseDirs(reply string) (Dirs, error) {
	m := pairs(reply, ": ")
	data, okData := m["datadir_size"]
	log, okLog := m["logdir_size"]
	if !okData && !okLog {
		return Dirs{}, notA("dirs", reply)
	}
	var n numbers
	d := Dirs{DataSize: n.int("datadir_size", data), LogSize: n.int("logdir_size", log)}
	return d, n.err
}
