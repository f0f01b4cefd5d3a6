package fs

import (
	"strings"
	"testing"
)

// Calls by which programs find out what a file system can do, or of which they expect what disks
// answer.
func TestCallsOfPrograms(t *testing.T) {
	w := newWorld(t, Options{})
	large := strings.Repeat("x", 600_000)
	for name, steps := range map[string]string{
		"there is room":            "room . -> ok 1TiB of 4096, all free\n room f -> ok 1TiB of 4096, all free",
		"blocks fit into a znode":  "blksize f -> ok 4096\n blksize . -> ok 4096\n blksize .status -> ok 4096",
		"four blocks are written":  "open 1 db rw+creat\n fill 1 16384\n close 1\n stat db -> ok file 0644 size=16384 nlink=1",
		"data in a file":           "open 1 f r\n lseek 1 data 1 -> ok 1\n lseek 1 data 4 -> ENXIO",
		"a hole at the end":        "open 1 f r\n lseek 1 hole 0 -> ok 4\n lseek 1 hole 3 -> ok 4\n lseek 1 hole 4 -> ENXIO\n lseek 1 hole 5 -> ENXIO",
		"no hole in an empty file": "open 1 e rw+creat\n lseek 1 hole 0 -> ENXIO\n lseek 1 data 0 -> ENXIO\n write 1 ab\n lseek 1 hole 0 -> ok 2\n lseek 1 hole 2 -> ENXIO",
		"whiteout":                 "rename2 f g whiteout -> EINVAL\n rename2 f g whiteout+noreplace -> EINVAL\n stat f -> ok file 0644 size=4 nlink=1\n rename2 f g noreplace",
		"exchange":                 "put g gg\n rename2 f g exchange\n cat f -> ok \"gg\"\n cat g -> ok \"data\"",
		"exchange of much":         "put g {large}\n put h {large}\n rename2 g h exchange -> EXDEV\n rename2 g f exchange\n stat f -> ok file 0644 size=600000 nlink=1",
		"XATTR_CREATE": "setxattrflags f user.zk.acl world:anyone:cdrwa create -> EEXIST\n setxattrflags d user.zk.acl world:anyone:r create -> EEXIST\n" +
			"setxattrflags f user.other x create -> ENOTSUP\n setxattrflags f security.x x create -> ENOTSUP\n getxattr f user.zk.acl -> ok world:anyone:cdrwa",
		"XATTR_REPLACE": "setxattrflags f user.zk.acl world:anyone:cdrw replace\n getxattr f user.zk.acl -> ok world:anyone:cdrw\n setxattrflags f user.other x replace -> ENODATA\n" +
			"setxattrflags d user.other x replace -> ENODATA\n setxattrflags f user.zk.version 7 replace -> EPERM\n setxattrflags nosuch user.zk.acl x replace -> ENOENT",
		"attributes of a new file": "open 1 n rw+creat\n setxattrflags n user.zk.acl world:anyone:cdrw replace -> ENODATA\n setxattrflags n user.zk.acl world:anyone:cdrw create\n getxattr n user.zk.acl -> ok world:anyone:cdrw",
		"flags of inodes":          "open 1 f r\n getflags 1 -> ENOTTY\n unlink f\n getflags 1 -> ENOTTY\n open 2 f r -> ENOENT",
		"flags of a directory":     "open 1 d r\n getflags 1 -> ENOTTY",
	} {
		t.Run(name, func(t *testing.T) {
			dir := strings.ReplaceAll(name, " ", "-")
			w.want("ok", "chdir", w.dir)
			w.want("ok", "mkdir", dir)
			w.want("ok", "chdir", dir)
			w.want("ok", "put", "f", "data")
			w.want("ok", "mkdir", "d")
			if strings.Contains(steps, ".status") {
				w.want("ok", "chdir", w.dir)
				w.want("ok", "put", "f", "data")
			}
			for step := range strings.Lines(steps) {
				call, want, ok := strings.Cut(strings.TrimSpace(step), " -> ")
				if !ok {
					want = "ok"
				}
				w.want(want, strings.Fields(strings.ReplaceAll(call, "{large}", large))...)
			}
			w.do("close", "1")
		})
	}
}
