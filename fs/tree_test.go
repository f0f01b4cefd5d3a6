package fs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

func TestDirectories(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "mkdir", "d")
	w.want("EEXIST", "mkdir", "d")
	w.want("ok", "mkdir", "d/e")
	w.want("ok dir 0755 size=1 nlink=1", "stat", "d")
	w.want("ENOTEMPTY", "rmdir", "d")
	w.want("ok", "rmdir", "d/e")
	w.want("ok", "rmdir", "d")
	w.want("ENOENT", "stat", "d")
	w.missing("/d")
	w.want("EINVAL", "mkdir", "a\nb")
	w.want("ok", "mkdir", "x.lock")
	w.want("ok", "rmdir", "x.lock")
	w.want("EPERM", "symlink", "a", "b")
	w.want("EPERM", "mkfifo", "p")
}

// The last child of a directory leaves a directory, and one that was touched empty stays a file.
func TestTypesStay(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "mkdir", "d")
	w.want("ok", "put", "d/f", "x")
	w.want("ok", "unlink", "d/f")
	w.want("ok", "open", "1", "f", "w+creat+excl")
	w.want("ok", "close", "1")
	again := w.t.TempDir()
	w.mount(again, Options{})
	a := newAgent(t, again)
	a.want("ok dir 0755 size=0 nlink=1", "stat", "d")
	a.want("ok file 0644 size=0 nlink=1", "stat", "f")
}

func TestFileBecomesDirectory(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/n", "data")
	w.want(`ok "data"`, "cat", "n")
	w.want("ok", "open", "1", "n", "r")
	w.create("/n/child", "")
	w.eventually("ok dir 0755 size=1 nlink=1", "stat", "n")
	w.want("ok .data child", "ls", "n")
	w.want(`ok "data"`, "cat", "n/.data")
	w.want("ok size=4 nlink=0", "fstat", "1") // an inode never changes its type: this one is that of a file which is no more
	w.want("ok", "close", "1")
	w.create("/plain", "v")
	w.eventually(`ok "v"`, "cat", "plain")
	w.want("ok", "setxattr", "plain", "user.zk.type", "directory")
	w.want("ok dir 0755 size=0 nlink=1", "stat", "plain")
	w.want(`ok "v"`, "cat", "plain/.data")
}

func TestUntouchedDirectoryBecomesFile(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/n", "")
	w.want("ok dir 0755 size=0 nlink=1", "stat", "n")
	w.want("ok", "open", "1", "n", "r")
	w.set("/n", "data")
	w.eventually("ok file 0644 size=4 nlink=1", "stat", "n")
	w.want("ESTALE", "fstat", "1")
	w.want(`ok "data"`, "cat", "n")
}

func TestDirectoryData(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "mkdir", "d")
	w.want("ENOENT", "stat", "d/.data")
	w.want("ok", "put", "d/.data", "x")
	w.want("ok .data", "ls", "d")
	w.want("ok dir 0755 size=0 nlink=1", "stat", "d")
	w.want("ENOTEMPTY", "rmdir", "d")
	w.set("/d", "theirs")
	w.eventually(`ok "theirs"`, "cat", "d/.data")
	w.want("ok", "unlink", "d/.data")
	w.want("ok", "ls", "d")
	w.want("ok", "rmdir", "d")
}

func TestReservedNames(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/d", "")
	w.create("/d/.data", "child")
	w.create("/d/%2Edata", "escape")
	w.create("/d/.lock", "lock")
	w.create("/d/.status", "status")
	w.want("ok %252Edata %2Edata %2Elock .status", "ls", "d")
	w.want(`ok "child"`, "cat", "d/%2Edata")
	w.want(`ok "escape"`, "cat", "d/%252Edata")
	w.want("ok", "put", "d/%2Elock", "new")
	w.holds("/d/.lock", "new", 1)
	w.want("ok file 1644 size=0 nlink=1", "stat", "d/.lock")
	w.want("EPERM", "unlink", "d/.lock")
}

func TestUnlinkedFile(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "put", "f", "data")
	w.want("ok", "open", "1", "f", "rw")
	w.want("ok", "unlink", "f")
	w.want("ok size=4 nlink=0", "fstat", "1")
	w.want(`ok "data"`, "read", "1")
	w.want("ok", "write", "1", "more")
	w.want("ok", "close", "1")
	w.missing("/f")
	w.want("ok", "open", "1", "never", "w+creat")
	w.want("ok", "write", "1", "data")
	w.want("ok", "unlink", "never")
	w.want("ok", "close", "1")
	w.missing("/never")
}

func TestRename(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "data")
	if _, err := w.other.SetACL("/f", zk.WorldACL(zk.PermRead|zk.PermDelete|zk.PermWrite|zk.PermAdmin), -1); err != nil {
		t.Fatal(err)
	}
	w.create("/g", "old")
	g := w.holds("/g", "old", 0)
	w.want("ok", "rename", "f", "h")
	w.holds("/h", "data", 0)
	w.missing("/f")
	if acl, _, _ := w.other.GetACL("/h"); len(acl) != 1 || acl[0].Perms != zk.PermAll&^zk.PermCreate {
		t.Errorf("the ACL did not come along: %v", acl)
	}
	seen := w.watch("/")
	w.want("ok", "rename", "h", "g")
	if st := w.holds("/g", "data", 1); st.Czxid != g.Czxid {
		t.Error("the znode that was replaced is another one")
	}
	seen.are(w, "DataChanged /g", "Deleted /h")
	w.want("ok", "put", "i", "i")
	w.want("EEXIST", "rename2", "i", "g", "noreplace")
	w.want("ok", "rename2", "i", "g", "exchange")
	w.want(`ok "data"`, "cat", "i")
	w.want(`ok "i"`, "cat", "g")
	w.want("ok", "mkdir", "d")
	w.want("ENOTDIR", "rename", "d", "g")
	w.want("EISDIR", "rename", "g", "d")
	w.want("EPERM", "rename", "d", "d.lock")
	w.want("EXDEV", "rename", "g", "d/.data")
	w.want("ENOENT", "rename", "nosuch", "x")
}

// write, rename, close must not lose data.
func TestRenameOfAnOpenFile(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "open", "1", "f", "w+creat")
	w.want("ok", "write", "1", "part 1 ")
	w.want("ok", "rename", "f", "g")
	w.holds("/g", "part 1 ", 0)
	w.want("ok", "write", "1", "part 2")
	w.want("ok", "close", "1")
	w.holds("/g", "part 1 part 2", 1)
	w.missing("/f")
	w.want("ok", "put", "f", "another")
	w.want(`ok "another"`, "cat", "f")
	w.want(`ok "part 1 part 2"`, "cat", "g")
}

func TestRenameOfADirectory(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/d", "data")
	w.create("/d/sub", "")
	w.create("/d/sub/f", "f")
	w.want(`ok "f"`, "cat", "d/sub/f")
	w.want("ok", "rename", "d", "e")
	w.want("ok .data sub", "ls", "e")
	w.want(`ok "f"`, "cat", "e/sub/f")
	w.want("ok", "put", "e/sub/f", "new")
	w.holds("/e/sub/f", "new", 1)
	w.missing("/d")
	for i := range maxMoveNodes {
		w.create(fmt.Sprintf("/e/%03d", i), "")
	}
	w.want("EXDEV", "rename", "e", "d")
	w.want("ok dir 0755 size=501 nlink=1", "stat", "e")
	w.want("ok", "mkdir", "large")
	w.create("/large/a", strings.Repeat("x", maxMoveBytes/2))
	w.want("ok", "rename", "large", "moved")
	w.create("/moved/b", strings.Repeat("x", maxMoveBytes/2))
	w.eventually("ok a b", "ls", "moved")
	w.want("EXDEV", "rename", "moved", "large")
	w.want("ok", "rename", "moved/a", "alone")
}

func TestForeignEphemeral(t *testing.T) {
	w := newWorld(t, Options{})
	if _, err := w.other.Create("/e", []byte("x"), zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	w.want("ok file 1644 size=1 nlink=1", "stat", "e")
	w.want("EPERM", "rename", "e", "f")
	w.want("ENOTDIR", "mkdir", "e/x")
	hidden := t.TempDir()
	w.mount(hidden, Options{NoEphemerals: true})
	a := newAgent(t, hidden)
	a.want("ok zookeeper", "ls", ".")
}

func TestScratchFilesStayLocal(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "old")
	f := w.holds("/f", "old", 0)
	seen := w.watch("/")
	w.want("ok", "put", ".f.swp", "swap")
	w.want(`ok "swap"`, "cat", ".f.swp")
	w.want("ok .f.swp f zookeeper", "ls", ".")
	w.want("ok", "rename", ".f.swp", "f~")
	w.want(`ok "swap"`, "cat", "f~")
	w.want("ok", "rename", "f~", "f")
	w.want(`ok "swap"`, "cat", "f")
	if st := w.holds("/f", "swap", 1); st.Czxid != f.Czxid {
		t.Error("the znode that was saved is another one")
	}
	w.want("ok", "put", "#g#", "g")
	w.want("ok", "rename", "#g#", "g")
	w.want("ok", "put", "h~", "h")
	w.want("ok", "unlink", "h~")
	w.want("ok f g zookeeper", "ls", ".")
	seen.are(w, "DataChanged /f", "Created /g")
	if n := w.fs.scratch.n.Load(); n != 0 {
		t.Errorf("%d bytes of scratch files are left", n)
	}
}

// The memory of a scratch file is counted as long as there is one, whatever was written to it.
func TestScratchFilesAreCounted(t *testing.T) {
	w := newWorld(t, Options{MaxData: 1000})
	count := func(want int64) {
		t.Helper()
		if n := w.fs.scratch.n.Load(); n != want {
			t.Errorf("%d bytes are counted, want %d", n, want)
		}
	}
	for _, size := range []string{"100", "10", "200"} {
		w.want("ok", "open", "1", "f~", "w+creat+trunc")
		w.want("ok", "fill", "1", size)
		w.want("ok", "close", "1")
	}
	count(200)
	w.want("ok", "truncate", "f~", "300")
	count(300)
	w.want("ok", "open", "1", "f~", "w")
	w.want("ok", "ftruncate", "1", "50")
	w.want("ok", "fill", "1", "60")
	count(60)
	w.want("EFBIG", "fill", "1", "1000")
	w.fs.scratch.n.Add(scratchLimit - 70)
	w.want("ENOSPC", "fill", "1", "11")
	w.want("ENOSPC", "ftruncate", "1", "71")
	w.want("ok size=60 nlink=1", "fstat", "1")
	w.fs.scratch.n.Add(70 - scratchLimit)
	w.want("ok", "ftruncate", "1", "61")
	w.want("ok", "unlink", "f~")
	count(0)
	w.want("ok", "seek", "1", "0")
	w.want("ok", "fill", "1", "100")
	w.want("ok", "close", "1")
	count(0)
}

// A znode that has the name of a scratch file is a znode, and the memory for the others is bounded.
func TestScratchFilesAreNotZnodes(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f~", "old")
	w.want(`ok "old"`, "cat", "f~")
	w.want("ok", "put", "f~", "new")
	w.holds("/f~", "new", 1)
	w.want("ok", "unlink", "f~")
	w.missing("/f~")
	w.want("ok", "put", "f~", "local")
	w.missing("/f~")
	w.fs.scratch.n.Store(scratchLimit - 10)
	w.want("ok", "open", "1", "g~", "w+creat")
	w.want("ENOSPC", "write", "1", "more than ten bytes")
	w.want("ok", "write", "1", "less")
	w.want("ok", "close", "1")
	w.want("ok", "unlink", "g~")
	w.fs.scratch.n.Store(int64(len("local")))
}

// The root of a mount is a directory, whatever its znode is.
func TestRootIsADirectory(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "data")
	conn, _, err := zk.Connect([]string{w.server.Addr()}, sessionTimeout, zk.WithChroot("/f"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	dir := t.TempDir()
	f, err := Mount(conn, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Unmount() })
	a := newAgent(t, dir)
	a.want("ok dir 0755 size=0 nlink=1", "stat", ".")
	a.want("ok .data", "ls", ".")
	a.want(`ok "data"`, "cat", ".data")
}

// A read-only mount refuses all changes in the same way, whether the kernel does it or zkfs itself.
func TestReadOnly(t *testing.T) {
	for name, o := range map[string]Options{
		"kernel": {ReadOnly: true}, "zkfs": {ReadOnly: true, Inotify: InotifyOn, Poker: startPoker},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, o)
			w.create("/f", "x")
			w.create("/d", "")
			w.want(`ok "x"`, "cat", "f")
			for _, call := range []string{
				"put f y", "put g y", "create g y", "append f y", "mkdir e", "mknod g", "mkfifo g", "symlink f g",
				"link f g", "unlink f", "rmdir d", "rename f g", "rename2 f d exchange", "truncate f 0", "touch f",
				"touch d", "settimes f 1", "chmod f", "chmod f 644", "chmod d", "setxattr f user.zk.type directory",
				"removexattr f user.zk.acl", "open 1 f w", "open 1 f rw", "open 1 f trunc",
			} {
				w.want("EROFS", strings.Fields(call)...)
			}
		})
	}
}

func TestAttributes(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "x")
	w.want("ok user.zk.acl user.zk.stat", "listxattr", "f")
	w.want("ok world:anyone:cdrwa", "getxattr", "f", "user.zk.acl")
	w.want("ok 0", "getxattr", "f", "user.zk.version")
	w.want("ok /f", "getxattr", "f", "user.zk.path")
	w.want("ok file", "getxattr", "f", "user.zk.type")
	w.want("ok 4", "getxattr", ".", "user.zk.descendants")
	w.want("ENODATA", "getxattr", "f", "user.zk.nosuch")
	w.want("ENOTSUP", "getxattr", "f", "security.selinux")
	w.want("ENOTSUP", "setxattr", "f", "security.x", "x")
	w.want("EPERM", "setxattr", "f", "user.zk.version", "3")
	w.want("EINVAL", "setxattr", "f", "user.zk.acl", "nonsense")
	w.want("EACCES", "setxattr", "f", "user.zk.acl", "world:anyone:cdrwa,digest:ann:x:r") // as servers show a digest to strangers
	w.want("ok", "setxattr", "f", "user.zk.acl", "world:anyone:r")
	if acl, st, _ := w.other.GetACL("/f"); len(acl) != 1 || acl[0].Perms != zk.PermRead || st.Aversion != 1 {
		t.Errorf("%v, %v", acl, st)
	}
	w.want("ok world:anyone:r", "getxattr", "f", "user.zk.acl")
	// Always as it is: no watch tells of a change.
	w.create("/h", "x")
	w.want("ok world:anyone:cdrwa", "getxattr", "h", "user.zk.acl")
	if _, err := w.other.SetACL("/h", zk.WorldACL(zk.PermRead|zk.PermAdmin), -1); err != nil {
		t.Fatal(err)
	}
	w.want("ok world:anyone:ra", "getxattr", "h", "user.zk.acl")
	w.want("EPERM", "removexattr", "f", "user.zk.acl")
	w.want("ENODATA", "removexattr", "f", "user.zk.nosuch")
	w.want("ENOTSUP", "setxattr", "f", "user.other", "x")
}

// The names of an open directory are those of the moment when it is read: the kernel keeps them as such.
func TestListingIsNotOlderThanItsReading(t *testing.T) {
	w := newWorld(t, Options{})
	w.want("ok", "mkdir", "d")
	w.want("ok", "open", "1", "d", "r")
	w.want("ok", "put", "d/f", "x")
	w.want("ok f", "readdir", "1")
	w.want("ok f", "ls", "d")
}

func TestTimeOfBirth(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/f", "x")
	st := w.holds("/f", "x", 0)
	w.set("/f", "y")
	w.want(fmt.Sprint("ok ", st.Ctime), "born", "f")
}

func TestLargeDirectory(t *testing.T) {
	w := newWorld(t, Options{})
	w.create("/d", "")
	var want []string
	for i := range 1500 {
		name := fmt.Sprintf("child-%05d", i)
		want = append(want, name)
		w.create("/d/"+name, strings.Repeat("x", i%7))
	}
	w.want("ok "+strings.Join(want, " "), "ls", "d")
}

// Who sets an attribute waits for the kernel, which waits for the one who unlinks the file, who waits for the first: not for ever.
func TestAttributeOfAFileThatIsUnlinked(t *testing.T) {
	w := newWorld(t, Options{})
	other := newAgent(t, w.dir)
	for range 5 {
		w.want("ok", "put", "f", "x")
		w.start("setxattr", "f", "user.zk.type", "directory")
		other.start("unlink", "f")
		w.answer()
		other.answer()
		w.do("unlink", "f/.data")
		w.do("rmdir", "f")
	}
}
