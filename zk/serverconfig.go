package zk

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// DefaultPort is the port at which servers serve clients, where nothing else is said.
const DefaultPort = 2181

// What [ServerConfig.Marshall] writes for a field that is zero.
const (
	DefaultServerTickTime                 = 2000
	DefaultServerInitLimit                = 10
	DefaultServerSyncLimit                = 5
	DefaultServerAutoPurgeSnapRetainCount = 3
	DefaultPeerPort                       = 2888
	DefaultLeaderElectionPort             = 3888
)

// ErrMissingServerConfigField is the name of a field without which a server cannot start.
type ErrMissingServerConfigField string

func (e ErrMissingServerConfigField) Error() string {
	return fmt.Sprintf("zk: missing server config field '%s'", string(e))
}

// ServerConfigServer is one member of an ensemble, a line server.ID of zoo.cfg.
type ServerConfigServer struct {
	ID                 int
	Host               string
	PeerPort           int // 0 is [DefaultPeerPort]
	LeaderElectionPort int // 0 is [DefaultLeaderElectionPort]

	// ClientPort is the port at which this member serves clients, on Host. Servers from 3.5 on publish
	// it in /zookeeper/config; older ones do not understand it. 0 leaves it out of the line.
	ClientPort int
}

// ServerConfig is the content of a zoo.cfg.
type ServerConfig struct {
	TickTime                 int    // Number of milliseconds of each tick
	InitLimit                int    // Number of ticks that the initial synchronization phase can take
	SyncLimit                int    // Number of ticks that can pass between sending a request and getting an acknowledgement
	DataDir                  string // Directory where the snapshots, the log and myid are stored
	ClientPort               int    // Port at which clients connect
	AutoPurgeSnapRetainCount int    // Number of snapshots to retain in DataDir
	AutoPurgePurgeInterval   int    // Purge task interval in hours (0 disables it)
	Servers                  []ServerConfigServer

	// Extra holds further lines, each "key=value", written last: where a key comes twice, the last one counts.
	// Servers read a key that they do not know as the Java property "zookeeper.key".
	Extra []string
}

// Marshall writes the configuration in the form of zoo.cfg. Fields that are zero get the default of the same
// name, [DefaultPort] for ClientPort. Without DataDir it writes nothing and returns [ErrMissingServerConfigField].
func (sc ServerConfig) Marshall(w io.Writer) error {
	if sc.DataDir == "" {
		return ErrMissingServerConfigField("dataDir")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "dataDir=%s\n", sc.DataDir)
	fmt.Fprintf(&b, "tickTime=%d\n", positive(sc.TickTime, DefaultServerTickTime))
	fmt.Fprintf(&b, "initLimit=%d\n", positive(sc.InitLimit, DefaultServerInitLimit))
	fmt.Fprintf(&b, "syncLimit=%d\n", positive(sc.SyncLimit, DefaultServerSyncLimit))
	fmt.Fprintf(&b, "clientPort=%d\n", positive(sc.ClientPort, DefaultPort))
	if sc.AutoPurgePurgeInterval > 0 {
		retain := positive(sc.AutoPurgeSnapRetainCount, DefaultServerAutoPurgeSnapRetainCount)
		fmt.Fprintf(&b, "autopurge.snapRetainCount=%d\n", retain)
		fmt.Fprintf(&b, "autopurge.purgeInterval=%d\n", sc.AutoPurgePurgeInterval)
	}
	for _, s := range sc.Servers {
		fmt.Fprintf(&b, "server.%d=%s\n", s.ID, s.value())
	}
	for _, line := range sc.Extra {
		b.WriteString(line + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// value is the right side of the member's line: host:peer:election, and ;host:client from 3.5 on.
func (s ServerConfigServer) value() string {
	peer := net.JoinHostPort(s.Host, strconv.Itoa(positive(s.PeerPort, DefaultPeerPort)))
	v := fmt.Sprintf("%s:%d", peer, positive(s.LeaderElectionPort, DefaultLeaderElectionPort))
	if s.ClientPort > 0 {
		v += ";" + net.JoinHostPort(s.Host, strconv.Itoa(s.ClientPort))
	}
	return v
}

// positive returns n, or def where n is not set.
func positive(n, def int) int {
	if n > 0 {
		return n
	}
	return def
}
