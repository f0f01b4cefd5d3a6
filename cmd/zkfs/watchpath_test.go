package main

import "testing"

func TestPlaceOf(t *testing.T) {
	const mountinfo = `22 1 0:20 / / rw - ext4 /dev/sda1 rw
45 22 0:42 / /mnt/zk rw - fuse.zkfs zk1:2181/app rw
46 45 0:43 / /mnt/zk/tmp rw - tmpfs tmpfs rw
47 22 0:42 /config /etc/app rw - fuse.zkfs zk1:2181/app rw
48 22 0:44 / /mnt/hidden rw - fuse.zkfs zk rw
49 48 0:45 / /mnt/hidden rw - tmpfs tmpfs rw
`
	tests := []struct {
		path string
		want watched // zero: not on a mount of zkfs
	}{
		{"/mnt/zk", watched{znode: "/app", place: place{point: "/mnt/zk", root: "/"}}},
		{"/mnt/zk/a/b", watched{znode: "/app/a/b", place: place{point: "/mnt/zk", root: "/"}}},
		{"/mnt/zk/a/.data", watched{znode: "/app/a", place: place{point: "/mnt/zk", root: "/"}}},
		{"/etc/app", watched{znode: "/app/config", place: place{point: "/etc/app", root: "/config"}}},
		{"/etc/app/x", watched{znode: "/app/config/x", place: place{point: "/etc/app", root: "/config"}}},
		{"/mnt/zkx", watched{}},
		{"/mnt/zk/tmp/x", watched{}},
		{"/mnt/hidden", watched{}},
		{"/", watched{}},
	}
	for _, tt := range tests {
		p, rest, ok := placeOf(parsed(t, mountinfo), tt.path)
		if !ok {
			if tt.want != (watched{}) {
				t.Errorf("%s: not found", tt.path)
			}
			continue
		}
		tt.want.source, tt.want.place.source = "zk1:2181/app", "zk1:2181/app"
		got, err := p.watched(tt.path, rest)
		if err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v, want %+v", tt.path, got, err, tt.want)
		}
	}
	w := watched{source: "zk1:2181/app", place: place{"zk1:2181/app", "/etc/app", "/config"}}
	for znode, file := range map[string]string{"/app/config": "/etc/app", "/app/config/x": "/etc/app/x", "/app/config/.data": "/etc/app/%2Edata"} {
		if got := w.fileOf(znode); got != file {
			t.Errorf("file of %s: %q, want %q", znode, got, file)
		}
	}
}
