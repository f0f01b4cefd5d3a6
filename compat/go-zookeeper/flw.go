package zk

import (
	"time"

	"github.com/zkfs/zkfs/zk"
)

// ServerStats is [zk.ServerStats] with an average latency that has a part after the decimal point.
type ServerStats struct {
	Server      string
	Sent        int64
	Received    int64
	NodeCount   int64
	MinLatency  int64
	AvgLatency  float64
	MaxLatency  int64
	Connections int64
	Outstanding int64
	Epoch       int32
	Counter     int32
	BuildTime   time.Time
	Mode        Mode
	Version     string
	Error       error
}

// FLWSrvr is [zk.FLWSrvr].
func FLWSrvr(servers []string, timeout time.Duration) ([]*ServerStats, bool) {
	list, ok := zk.FLWSrvr(servers, timeout)
	stats := make([]*ServerStats, len(list))
	for i, s := range list {
		stats[i] = &ServerStats{
			Server:      s.Server,
			Sent:        s.Sent,
			Received:    s.Received,
			NodeCount:   s.NodeCount,
			MinLatency:  s.MinLatency,
			AvgLatency:  s.AvgLatencyMs,
			MaxLatency:  s.MaxLatency,
			Connections: s.Connections,
			Outstanding: s.Outstanding,
			Epoch:       s.Epoch,
			Counter:     s.Counter,
			BuildTime:   s.BuildTime,
			Mode:        s.Mode,
			Version:     s.Version,
			Error:       s.Error,
		}
	}
	return stats, ok
}
