package main

import "testing"

func TestFindMount(t *testing.T) {
	const mountinfo = `22 27 0:20 / /proc rw,nosuid shared:12 - proc proc rw
45 27 0:42 / /mnt/zk rw,nosuid,nodev,relatime - fuse.zkfs zk1:2181,zk2:2181/app rw,user_id=0
46 27 0:43 / /mnt/with\040space rw shared:1 master:2 - fuse.zkfs zk\0401 rw,user_id=1000,group_id=100,max_read=4096
47 27 0:44 / /mnt/twice rw - ext4 /dev/sda1 rw
48 47 0:45 / /mnt/twice rw - fuse.zkfs zk rw,user_id=1000,group_id=100,allow_other
`
	tests := []struct {
		dir  string
		want mount
		ours bool
	}{
		{"/proc", mount{"/proc", "proc", "proc", "0:20", owner{}}, false},
		{"/mnt/zk", mount{"/mnt/zk", "zk1:2181,zk2:2181/app", fsType, "0:42", owner{}}, true},
		{"/mnt/with space", mount{"/mnt/with space", "zk 1", fsType, "0:43", owner{1000, 100}}, true},
		{"/mnt/twice", mount{"/mnt/twice", "zk", fsType, "0:45", owner{}}, true},
		{"/mnt", mount{point: "/mnt"}, false},
	}
	for _, tt := range tests {
		if got := findMount(parsed(t, mountinfo), tt.dir); got != tt.want || got.isOurs() != tt.ours {
			t.Errorf("findMount(%q) = %+v, want %+v", tt.dir, got, tt.want)
		}
	}
}
