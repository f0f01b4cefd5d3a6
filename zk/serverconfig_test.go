package zk

import (
	"errors"
	"strings"
	"testing"
)

func TestServerConfigMarshall(t *testing.T) {
	tests := []struct {
		name   string
		config ServerConfig
		want   []string
	}{
		{
			name:   "defaults",
			config: ServerConfig{DataDir: "/data"},
			want:   []string{"dataDir=/data", "tickTime=2000", "initLimit=10", "syncLimit=5", "clientPort=2181"},
		},
		{
			name: "all fields",
			config: ServerConfig{
				TickTime: 200, InitLimit: 50, SyncLimit: 25, DataDir: "/data", ClientPort: 23181,
				AutoPurgeSnapRetainCount: 5, AutoPurgePurgeInterval: 1,
				Servers: []ServerConfigServer{
					{ID: 1, Host: "a"},
					{ID: 2, Host: "127.0.0.1", PeerPort: 23202, LeaderElectionPort: 23212, ClientPort: 23192},
					{ID: 3, Host: "::1"},
				},
				Extra: []string{"tickTime=300", "authProvider.1=x"},
			},
			want: []string{
				"dataDir=/data", "tickTime=200", "initLimit=50", "syncLimit=25", "clientPort=23181",
				"autopurge.snapRetainCount=5", "autopurge.purgeInterval=1",
				"server.1=a:2888:3888",
				"server.2=127.0.0.1:23202:23212;127.0.0.1:23192",
				"server.3=[::1]:2888:3888",
				"tickTime=300", "authProvider.1=x",
			},
		},
		{
			name:   "purging with the default count",
			config: ServerConfig{DataDir: "/data", AutoPurgePurgeInterval: 24},
			want: []string{
				"dataDir=/data", "tickTime=2000", "initLimit=10", "syncLimit=5", "clientPort=2181",
				"autopurge.snapRetainCount=3", "autopurge.purgeInterval=24",
			},
		},
		{
			name:   "a count without purging is not written",
			config: ServerConfig{DataDir: "/data", AutoPurgeSnapRetainCount: 7},
			want:   []string{"dataDir=/data", "tickTime=2000", "initLimit=10", "syncLimit=5", "clientPort=2181"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if err := tt.config.Marshall(&b); err != nil {
				t.Fatal(err)
			}
			if want := strings.Join(tt.want, "\n") + "\n"; b.String() != want {
				t.Errorf("got\n%swant\n%s", b.String(), want)
			}
		})
	}
}

func TestServerConfigMarshallNeedsDataDir(t *testing.T) {
	var b strings.Builder
	err := ServerConfig{ClientPort: 1}.Marshall(&b)
	if want := ErrMissingServerConfigField("dataDir"); err != want {
		t.Errorf("error %v, want %v", err, want)
	}
	if want := "zk: missing server config field 'dataDir'"; err.Error() != want {
		t.Errorf("text %q, want %q", err, want)
	}
	if b.Len() > 0 {
		t.Errorf("wrote %q", b.String())
	}
}

func TestServerConfigMarshallReportsTheWriter(t *testing.T) {
	want := errors.New("full")
	if err := (ServerConfig{DataDir: "/data"}).Marshall(failingWriter{want}); err != want {
		t.Errorf("error %v, want %v", err, want)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
