package integration

import (
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// With --modes=acl `ls -l` shows what the mount may do, and the kernel refuses the rest to all but root, who is told by the mount.
func TestModesOfACL(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, script, want string }{
		{"ls", `ls -l | sed -n 's/ .* / /p'; stat -c '%A %n' drop/.data .`,
			"drwxr-xr-x all\ndr-xr-xr-x d\ndrwxr-xr-x drop\n-r--r--r-- f\n---------- hers\n-rw-r--r-- rw\n-r--r--r-- drop/.data\ndrwxr-xr-x .\n"},
		{"others", `nobody 'cat f rw hers; echo x > f; echo x >> f; truncate -s 0 f; touch d/x; mkdir d/x; rm -f d/c; mv f d/g; mv f g; mv g f; [ -w f ] || echo not writable; [ -w rw ] && echo writable'`,
			`frcat: hers: Permission denied
bash: line 1: f: Permission denied
bash: line 1: f: Permission denied
truncate: cannot open 'f' for writing: Permission denied
touch: cannot touch 'd/x': Permission denied
mkdir: cannot create directory ‘d/x’: Permission denied
rm: cannot remove 'd/c': Permission denied
mv: cannot move 'f' to 'd/g': Permission denied
not writable
writable
`},
		{"root", `[ -w f ] && echo writable; cat hers; echo x > f; mkdir d/x; rm d/c`, `writable
cat: hers: Permission denied
bash: line 1: f: Permission denied
mkdir: cannot create directory ‘d/x’: Permission denied
rm: cannot remove 'd/c': Permission denied
`},
		{"change", `nobody 'setfattr -n user.zk.acl -v world:anyone:cdrwa f'; setfattr -n user.zk.acl -v world:anyone:cdrwa f; stat -c %A f; nobody 'echo new > f; cat f; setfattr -n user.zk.acl -v world:anyone:r f; stat -c %A f'`,
			"setfattr: f: Permission denied\n-rw-r--r--\nnew\n-r--r--r--\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := newRoot(t)
			server := addr(shared.Servers[0])
			c := connect(t, []string{server}, zk.WithChroot(root))
			for path, perms := range map[string]int32{"/f": zk.PermRead | zk.PermAdmin, "/rw": zk.PermRead | zk.PermWrite, "/all": zk.PermAll, "/d": zk.PermRead, "/drop": zk.PermRead | zk.PermCreate} {
				data := path[1:2]
				if path == "/all" || path == "/d" {
					data = ""
				}
				create(t, c, path, data, zk.FlagPersistent)
				if path == "/d" || path == "/drop" {
					create(t, c, path+"/c", "c", zk.FlagPersistent)
				}
				if _, err := c.SetACL(path, zk.WorldACL(perms), -1); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := c.Create("/hers", []byte("h"), 0, zk.DigestACL(zk.PermAll, "ann", "secret")); err != nil {
				t.Fatal(err)
			}
			m := mount(t, server+root, "--modes=acl", "--allow-other", "--umask=022", "--uid=65534", "--gid=65534")
			out, _ := m.try(`nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups bash -c "$1"; }; ` + test.script)
			out = strings.ReplaceAll(out, m.dir, "bash")
			if out != test.want {
				t.Errorf("$ %s\n%s\nwant\n%s", test.script, out, test.want)
			}
		})
	}
}
