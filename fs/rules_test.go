package fs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/zk"
)

// rule is something that POSIX asks of file systems, after the tests of pjdfstest.
type rule struct {
	call  string // the system call, and the number of pjdfstest's script if it has one
	rule  string
	steps string // calls of the agent in a directory of their own, one on a line, with what they answer behind "->", "ok" if it is not said
	why   string // not empty: the rule does not apply, and this is the reason
}

// Why rules do not apply.
const (
	noLinks       = "znodes have one name, and symbolic links do not exist"
	noMode        = "the mode is that of the mount, or with --modes=acl what the ACL allows; chmod(2) and umask(2) have no effect"
	noSearch      = "ZooKeeper asks for no permission on the way to a znode"
	noFifos       = "znodes are no devices, pipes or sockets"
	noExecution   = "no file is executable"
	longNames     = "names over 255 bytes are znodes' names too, and can be used"
	noBlocks      = "znodes take no space that could run out"
	serversDecide = "the servers check the ACL at each write, not when the file is opened"
	writtenWhole  = "a znode is written whole: to write a part of it the rest must be read"
	wholeOrNot    = "what a program writes arrives whole or not at all"
	limited       = "a znode has a megabyte"
	noSubdirLinks = "the number of links is 1, so that find does not guess how many directories are inside"
	serversTime   = "the times are the server's"
)

// TestRules makes the calls of each rule on a mount. A rule that does not apply and whose calls answer as it wants is an error.
//
// Steps that begin with @ are made by somebody else: @acl PATH PERMISSIONS. Those that begin with ro are made in a mount that is
// read-only. {N} is a name of N bytes, {mount} the mount point, {elsewhere} another file system.
func TestRules(t *testing.T) {
	w := newWorld(t, Options{})
	readOnly, elsewhere := t.TempDir(), t.TempDir()
	w.mount(readOnly, Options{ReadOnly: true})
	ro := newAgent(t, readOnly)
	long := strings.Repeat("p/", 2100)
	for i, r := range rules {
		t.Run(strings.ReplaceAll(r.call+" "+r.rule, "/", " "), func(t *testing.T) {
			dir := fmt.Sprintf("rule-%d", i)
			w.want("ok", "chdir", w.dir)
			w.want("ok", "mkdir", dir)
			ro.want("ok", "chdir", readOnly)
			ro.eventually(w, "ok", "access", dir, "r")
			ro.want("ok", "chdir", readOnly+"/"+dir)
			w.want("ok", "chdir", dir)
			kept := true
			for line := range strings.Lines(strings.TrimSpace(r.steps)) {
				step, want, found := strings.Cut(strings.TrimSpace(line), " -> ")
				if !found {
					want = "ok"
				}
				step = strings.NewReplacer("{255}", strings.Repeat("n", 255), "{256}", strings.Repeat("n", 256), "{path}", long,
					"{mount}", w.dir, "{elsewhere}", elsewhere).Replace(step)
				got := w.step(ro, "/"+dir+"/", strings.Fields(step))
				if got == want {
					continue
				}
				kept = false
				if r.why == "" {
					t.Fatalf("%s: %s, want %s", step, got, want)
				}
			}
			if kept && r.why != "" {
				t.Errorf("it applies, but stands in the table: %s", r.why)
			}
		})
	}
}

// step makes one call of a rule and returns what it answers.
func (w *world) step(ro *agent, dir string, words []string) string {
	w.t.Helper()
	switch words[0] {
	case "@acl":
		var perms int32
		for _, c := range words[2:] {
			perms |= map[string]int32{"r": zk.PermRead, "w": zk.PermWrite, "c": zk.PermCreate, "d": zk.PermDelete}[c]
		}
		acl := []zk.ACL{{Perms: perms, Scheme: "world", ID: "anyone"}}
		if perms == 0 {
			acl = zk.DigestACL(zk.PermAll, "somebody", "else")
		}
		_, err := w.other.SetACL(dir+words[1], acl, -1)
		if err != nil {
			w.t.Fatal(err)
		}
		return "ok"
	case "ro":
		if words[1] == "eventually" { // what was made in the other mount is seen
			ro.eventually(w, "ok", "access", words[2], "r")
			return "ok"
		}
		return ro.do(words[1:]...)
	}
	return w.do(words...)
}

var rules = []rule{
	{"open 00", "a new file has the mode that was asked for, less the umask", "openmode 1 f w+creat 0751\n stat f -> ok file 0751 size=0 nlink=1", noMode},
	{"open 00", "a new file changes the times of its directory", "mark a .\n put f x\n later a .", ""},
	{"open 00", "a file that exists does not", "put f x\n mark a .\n open 1 f rw+creat\n close 1\n same a .", ""},
	{"open 00", "O_TRUNC empties the file", "put f data\n open 1 f w+trunc\n stat f -> ok file 0644 size=0 nlink=1\n close 1\n cat f -> ok \"\"", ""},
	{"open 00", "O_TRUNC changes its times", "put f data\n mark a f\n open 1 f w+trunc\n later a f", ""},
	{"open", "what is opened for writing only can not be read, and the other way round", "put f x\n open 1 f w\n pread 1 0 1 -> EBADF\n open 2 f r\n write 2 x -> EBADF", ""},
	{"open", "O_APPEND writes at the end, whatever the position", "put f ab\n open 1 f w+append\n seek 1 0\n write 1 c\n close 1\n cat f -> ok \"abc\"", ""},
	{"open 01", "ENOTDIR for a component that is a file", "put f x\n open 1 f/g r -> ENOTDIR\n open 1 f/g w+creat -> ENOTDIR", ""},
	{"open", "ENOTDIR for O_DIRECTORY and a file", "put f x\n open 1 f r+directory -> ENOTDIR\n mkdir d\n open 1 d r+directory", ""},
	{"open 02", "a name of 255 bytes can be used", "put {255} x\n cat {255} -> ok \"x\"\n rename {255} f\n rename f {255}\n unlink {255}\n mkdir {255}\n rmdir {255}", ""},
	{"open 02", "ENAMETOOLONG for a longer one", "open 1 {256} w+creat -> ENAMETOOLONG", longNames},
	{"open 03", "ENAMETOOLONG for a path over 4096 bytes", "open 1 {path} r -> ENAMETOOLONG\n open 1 {path} w+creat -> ENAMETOOLONG", ""},
	{"open 04", "ENOENT for what is missing", "open 1 f r -> ENOENT\n open 1 d/f r -> ENOENT\n open 1 d/f w+creat -> ENOENT", ""},
	{"open 05", "EACCES without search permission on the way", "mkdir d\n put d/f x\n @acl d\n open 1 d/f r -> EACCES", noSearch},
	{"open 06", "EACCES without permission for the flags", "put f x\n @acl f r\n open 1 f w -> EACCES\n open 1 f rw -> EACCES\n open 1 f w+append -> EACCES\n open 1 f r\n put g x\n @acl g w\n open 1 g r -> EACCES\n open 1 g w+trunc\n write 1 y\n close 1", ""},
	{"open 06", "write permission is enough to write a part", "put g x\n @acl g w\n open 1 g w", writtenWhole},
	{"open 07", "EACCES for O_TRUNC without write permission", "put f x\n @acl f r\n open 1 f w+trunc -> EACCES\n cat f -> ok \"x\"", ""},
	{"open 08", "EACCES for a new file in a directory that may not be written", "mkdir d\n @acl d r\n open 1 d/f w+creat -> EACCES\n open 1 d/f w+creat+excl -> EACCES\n stat d/f -> ENOENT", ""},
	{"open 12", "ELOOP for links that lead nowhere", "symlink a b\n symlink b a\n open 1 a r -> ELOOP", noLinks},
	{"open 13", "EISDIR for a directory and writing", "mkdir d\n open 1 d w -> EISDIR\n open 1 d rw -> EISDIR\n open 1 d w+trunc -> EISDIR\n open 1 d w+creat -> EISDIR\n open 1 d r+creat -> EISDIR\n open 1 d r", ""},
	{"open 14", "EROFS for writing on what is read-only", "put f x\n ro eventually f\n ro open 1 f w -> EROFS\n ro open 1 f w+trunc -> EROFS\n ro open 1 f r", ""},
	{"open 15", "EROFS for a new file there", "ro open 1 f w+creat -> EROFS", ""},
	{"open 16", "ELOOP for O_NOFOLLOW and a link", "put f x\n symlink f l\n open 1 l r+nofollow -> ELOOP", noLinks},
	{"open 17", "ENXIO for a pipe that nobody reads", "mkfifo p\n open 1 p w+nonblock -> ENXIO", noFifos},
	{"open 20", "ETXTBSY for a program that runs", "put f x\n chmod f 755\n stat f -> ok file 0755 size=1 nlink=1", noExecution},
	{"open 21", "EFAULT for a path that is nowhere", "efault open -> EFAULT", ""},
	{"open 22", "EEXIST for O_CREAT and O_EXCL of what exists", "put f x\n open 1 f w+creat+excl -> EEXIST\n mkdir d\n open 1 d w+creat+excl -> EEXIST\n open 1 new w+creat+excl\n open 2 new w+creat+excl -> EEXIST\n open 3 lazy w+creat\n open 4 lazy w+creat+excl -> EEXIST", ""},
	{"open 25", "files of more than two gigabytes", "put f x\n truncate f 3000000000\n stat f -> ok file 0644 size=3000000000 nlink=1", limited},

	{"unlink 00", "the file is gone, and the times of its directory change", "put f x\n mark a .\n unlink f\n stat f -> ENOENT\n later a .", ""},
	{"unlink 00", "another link stays", "put f x\n link f g\n unlink f\n cat g -> ok \"x\"", noLinks},
	{"unlink 00", "pipes can be removed", "mkfifo p\n unlink p", noFifos},
	{"unlink 01", "ENOTDIR for a component that is a file", "put f x\n unlink f/g -> ENOTDIR\n unlink f/ -> ENOTDIR", ""},
	{"unlink 02", "ENAMETOOLONG for a name over 255 bytes", "unlink {256} -> ENAMETOOLONG", longNames},
	{"unlink 03", "ENAMETOOLONG for a path over 4096 bytes", "unlink {path} -> ENAMETOOLONG", ""},
	{"unlink 04", "ENOENT for what is missing", "unlink f -> ENOENT\n unlink d/f -> ENOENT\n put f x\n unlink f\n unlink f -> ENOENT", ""},
	{"unlink 05", "EACCES without search permission on the way", "mkdir d\n mkdir d/e\n put d/e/f x\n @acl d\n unlink d/e/f -> EACCES", noSearch},
	{"unlink 06", "EACCES in a directory that may not be written", "mkdir d\n put d/f x\n @acl d r\n unlink d/f -> EACCES\n cat d/f -> ok \"x\"", ""},
	{"unlink 07", "ELOOP", "symlink a b\n symlink b a\n unlink a/f -> ELOOP", noLinks},
	{"unlink 08", "EISDIR for a directory", "mkdir d\n unlink d -> EISDIR\n stat d -> ok dir 0755 size=0 nlink=1", ""},
	{"unlink 11", "EPERM for files of others in a sticky directory", "mkdir d\n chmod d 1777\n stat d -> ok dir 1777 size=0 nlink=1", noMode},
	{"unlink 12", "EROFS on what is read-only", "put f x\n ro eventually f\n ro unlink f -> EROFS", ""},
	{"unlink 13", "EFAULT", "efault unlink -> EFAULT", ""},
	{"unlink 14", "an open file lives until it is closed", "put f data\n open 1 f rw\n mark a f\n unlink f\n fsame a 1\n fstat 1 -> ok size=4 nlink=0\n read 1 -> ok \"data\"\n write 1 more\n pread 1 0 8 -> ok \"datamore\"\n ftruncate 1 2\n fstat 1 -> ok size=2 nlink=0\n fsync 1\n close 1\n stat f -> ENOENT", ""},
	{"unlink 14", "and is not the file that takes its name", "put f old\n open 1 f rw\n unlink f\n put f new\n read 1 -> ok \"old\"\n write 1 er\n close 1\n cat f -> ok \"new\"", ""},

	{"mkdir 00", "a new directory has the mode that was asked for, less the umask", "mkdirmode d 0700\n stat d -> ok dir 0700 size=0 nlink=1", noMode},
	{"mkdir 00", "it changes the times of its directory", "mark a .\n mkdir d\n later a .", ""},
	{"mkdir 00", "and its number of links", "mkdir d\n mkdir d/e\n stat d -> ok dir 0755 size=1 nlink=3", noSubdirLinks},
	{"mkdir 01", "ENOTDIR for a component that is a file", "put f x\n mkdir f/d -> ENOTDIR", ""},
	{"mkdir 02", "ENAMETOOLONG for a name over 255 bytes", "mkdir {256} -> ENAMETOOLONG", longNames},
	{"mkdir 03", "ENAMETOOLONG for a path over 4096 bytes", "mkdir {path} -> ENAMETOOLONG", ""},
	{"mkdir 04", "ENOENT for a component that is missing", "mkdir d/e -> ENOENT", ""},
	{"mkdir 05", "EACCES without search permission on the way", "mkdir d\n mkdir d/e\n @acl d\n mkdir d/e/f -> EACCES", noSearch},
	{"mkdir 06", "EACCES in a directory that may not be written", "mkdir d\n @acl d r\n mkdir d/e -> EACCES", ""},
	{"mkdir 07", "ELOOP", "symlink a b\n symlink b a\n mkdir a/d -> ELOOP", noLinks},
	{"mkdir 09", "EROFS on what is read-only", "ro mkdir d -> EROFS", ""},
	{"mkdir 10", "EEXIST for what exists", "mkdir d\n mkdir d -> EEXIST\n mkdir d/ -> EEXIST\n mkdir . -> EEXIST\n mkdir .. -> EEXIST\n put f x\n mkdir f -> EEXIST\n open 1 lazy w+creat\n mkdir lazy -> EEXIST", ""},
	{"mkdir 11", "ENOSPC when there is no space", "statfs . -> ok full", noBlocks},
	{"mkdir 12", "EFAULT", "efault mkdir -> EFAULT", ""},

	{"rmdir 00", "the directory is gone, and the times of its directory change", "mkdir d\n mark a .\n rmdir d\n stat d -> ENOENT\n later a .", ""},
	{"rmdir 01", "ENOTDIR for a file, last or on the way", "put f x\n rmdir f -> ENOTDIR\n rmdir f/d -> ENOTDIR", ""},
	{"rmdir 02", "ENAMETOOLONG for a name over 255 bytes", "rmdir {256} -> ENAMETOOLONG", longNames},
	{"rmdir 03", "ENAMETOOLONG for a path over 4096 bytes", "rmdir {path} -> ENAMETOOLONG", ""},
	{"rmdir 04", "ENOENT for what is missing", "rmdir d -> ENOENT\n rmdir d/e -> ENOENT", ""},
	{"rmdir 05", "ELOOP", "symlink a b\n symlink b a\n rmdir a/d -> ELOOP", noLinks},
	{"rmdir 06", "ENOTEMPTY for one that has something", "mkdir d\n mkdir d/e\n rmdir d -> ENOTEMPTY\n rmdir d/e\n put d/f x\n rmdir d -> ENOTEMPTY\n unlink d/f\n open 1 d/lazy w+creat\n rmdir d -> ENOTEMPTY\n unlink d/lazy\n rmdir d", ""},
	{"rmdir 07", "EACCES without search permission on the way", "mkdir d\n mkdir d/e\n mkdir d/e/f\n @acl d\n rmdir d/e/f -> EACCES", noSearch},
	{"rmdir 08", "EACCES in a directory that may not be written", "mkdir d\n mkdir d/e\n @acl d r\n rmdir d/e -> EACCES", ""},
	{"rmdir 12", "EINVAL for . and ENOTEMPTY for ..", "mkdir d\n mkdir d/e\n rmdir d/. -> EINVAL\n rmdir d/e/.. -> ENOTEMPTY\n rmdir d/e/. -> EINVAL", ""},
	{"rmdir 13", "EBUSY for a mount point", "rmdir {mount} -> EBUSY", ""},
	{"rmdir 14", "EROFS on what is read-only", "mkdir d\n ro eventually d\n ro rmdir d -> EROFS", ""},
	{"rmdir 15", "EFAULT", "efault rmdir -> EFAULT", ""},
	{"rmdir", "who is inside a directory that was removed can not make anything there", "mkdir d\n chdir d\n rmdir ../d\n put f x -> ENOENT\n mkdir e -> ENOENT\n ls . -> ENOENT\n stat . -> ok dir 0755 size=0 nlink=0", ""},

	{"rename 00", "the file is the same under its new name, and both directories have new times", "put f x\n mkdir d\n mark a f\n mark b .\n mark c d\n rename f d/g\n stat f -> ENOENT\n cat d/g -> ok \"x\"\n sameino a d/g\n later b .\n later c d", ""},
	{"rename 00", "so is a directory", "mkdir d\n put d/f x\n mark a d\n rename d e\n stat d -> ENOENT\n cat e/f -> ok \"x\"\n sameino a e", ""},
	{"rename 00", "what was there is replaced", "put f new\n put g old\n rename f g\n stat f -> ENOENT\n cat g -> ok \"new\"\n mkdir d\n mkdir e\n rename d e\n stat d -> ENOENT\n ls e -> ok", ""},
	{"rename 00", "who has the file open that was replaced keeps it", "put f new\n put g old\n open 1 g r\n rename f g\n read 1 -> ok \"old\"\n cat g -> ok \"new\"", ""},
	{"rename 00", "onto itself does nothing", "put f x\n mark a f\n rename f f\n same a f\n mkdir d\n rename d d\n rename d/../f f", ""},
	{"rename 01", "ENAMETOOLONG for a name over 255 bytes", "put f x\n rename f {256} -> ENAMETOOLONG", longNames},
	{"rename 02", "ENAMETOOLONG for a path over 4096 bytes", "put f x\n rename f {path} -> ENAMETOOLONG\n rename {path} f -> ENAMETOOLONG", ""},
	{"rename 03", "ENOENT for what is missing", "rename f g -> ENOENT\n rename d/f g -> ENOENT\n put f x\n rename f d/g -> ENOENT\n cat f -> ok \"x\"", ""},
	{"rename 04", "EACCES without search permission on the way", "mkdir d\n mkdir d/e\n put d/e/f x\n @acl d\n rename d/e/f d/e/g -> EACCES", noSearch},
	{"rename 05", "EACCES in directories that may not be written", "mkdir d\n put d/f x\n put f x\n @acl d r\n rename d/f g -> EACCES\n rename f d/g -> EACCES\n cat d/f -> ok \"x\"\n cat f -> ok \"x\"", ""},
	{"rename 09", "EPERM for files of others in a sticky directory", "mkdir d\n chmod d 1777\n stat d -> ok dir 1777 size=0 nlink=1", noMode},
	{"rename 11", "ELOOP", "put f x\n symlink a b\n symlink b a\n rename f a/f -> ELOOP", noLinks},
	{"rename 12", "ENOTDIR for a component that is a file", "put f x\n put g x\n rename f/x h -> ENOTDIR\n rename g f/x -> ENOTDIR\n rename g new/ -> ENOTDIR", ""},
	{"rename 13", "ENOTDIR for a directory onto a file", "mkdir d\n put f x\n rename d f -> ENOTDIR\n cat f -> ok \"x\"", ""},
	{"rename 14", "EISDIR for a file onto a directory", "mkdir d\n put f x\n rename f d -> EISDIR", ""},
	{"rename 15", "EXDEV for another file system", "put f x\n rename f {elsewhere}/f -> EXDEV", ""},
	{"rename 16", "EROFS on what is read-only", "put f x\n ro eventually f\n ro rename f g -> EROFS", ""},
	{"rename 17", "EFAULT", "efault rename -> EFAULT", ""},
	{"rename 18", "EINVAL for a directory into itself", "mkdir d\n mkdir d/e\n rename d d/e/f -> EINVAL\n rename d d/f -> EINVAL", ""},
	{"rename 19", "EBUSY for . and ..", "mkdir d\n mkdir e\n rename d/. f -> EBUSY\n rename d/.. f -> EBUSY\n rename d e/.. -> EBUSY\n rename d e/. -> EBUSY", ""},
	{"rename 20", "ENOTEMPTY for a directory onto one that has something", "mkdir d\n mkdir e\n put e/f x\n rename d e -> ENOTEMPTY\n rename e d\n mkdir g\n mkdir g/h\n rename d g -> ENOTEMPTY", ""},
	{"rename 21", "EACCES for a directory that may not be written and goes elsewhere", "mkdir d\n mkdir e\n @acl d r\n rename d e/d -> EACCES", "a znode does not hold the name of its parent"},
	{"rename 22", "the file has a new ctime", "put f x\n mark a f\n tick\n rename f g\n later a g", ""},
	{"rename 23", "another link of what was replaced stays", "put f new\n put g old\n link g h\n rename f g\n cat h -> ok \"old\"", noLinks},
	{"rename 24", "the directories' numbers of links follow", "mkdir d\n mkdir d/s\n mkdir e\n rename d/s e/s\n stat e -> ok dir 0755 size=1 nlink=3", noSubdirLinks},
	{"renameat2", "RENAME_NOREPLACE replaces nothing", "put f x\n put g y\n rename2 f g noreplace -> EEXIST\n rename2 f h noreplace\n cat h -> ok \"x\"", ""},
	{"renameat2", "RENAME_EXCHANGE exchanges files", "put f x\n put g y\n rename2 f g exchange\n cat f -> ok \"y\"\n cat g -> ok \"x\"\n rename2 f h exchange -> ENOENT", ""},
	{"renameat2", "RENAME_EXCHANGE exchanges directories", "mkdir d\n put d/f x\n mkdir e\n rename2 d e exchange\n cat e/f -> ok \"x\"", "a transaction of files alone"},

	{"truncate 00", "shorter and longer, with zeros", "put f hello\n truncate f 2\n cat f -> ok \"he\"\n truncate f 4\n cat f -> ok \"he\\x00\\x00\"\n truncate f 0\n stat f -> ok file 0644 size=0 nlink=1", ""},
	{"truncate 00", "changes the times", "put f hello\n mark a f\n truncate f 2\n later a f", ""},
	{"truncate 00", "leaves them if it fails", "put f hello\n mark a f\n @acl f r\n truncate f 2 -> EACCES\n truncate f -1 -> EINVAL\n same a f", ""},
	{"truncate 01", "ENOTDIR for a component that is a file", "put f x\n truncate f/g 0 -> ENOTDIR", ""},
	{"truncate 02", "ENAMETOOLONG for a name over 255 bytes", "truncate {256} 0 -> ENAMETOOLONG", longNames},
	{"truncate 03", "ENAMETOOLONG for a path over 4096 bytes", "truncate {path} 0 -> ENAMETOOLONG", ""},
	{"truncate 04", "ENOENT for what is missing", "truncate f 0 -> ENOENT\n truncate d/f 0 -> ENOENT", ""},
	{"truncate 05", "EACCES without search permission on the way", "mkdir d\n put d/f x\n @acl d\n truncate d/f 0 -> EACCES", noSearch},
	{"truncate 06", "EACCES for a file that may not be written", "put f x\n @acl f r\n truncate f 0 -> EACCES\n truncate f 1 -> EACCES\n cat f -> ok \"x\"", ""},
	{"truncate 07", "ELOOP", "symlink a b\n symlink b a\n truncate a/f 0 -> ELOOP", noLinks},
	{"truncate 09", "EISDIR for a directory", "mkdir d\n truncate d 0 -> EISDIR", ""},
	{"truncate 10", "EROFS on what is read-only", "put f x\n ro eventually f\n ro truncate f 0 -> EROFS", ""},
	{"truncate 11", "ETXTBSY for a program that runs", "put f x\n chmod f 755\n access f x", noExecution},
	{"truncate 12", "EFBIG for more than a file can have", "put f x\n truncate f 999999999999999 -> EFBIG\n truncate f 1047552 -> EFBIG\n cat f -> ok \"x\"\n truncate f 1047551", ""},
	{"truncate 13", "EINVAL for a negative length", "put f x\n truncate f -1 -> EINVAL\n truncate f -999999 -> EINVAL", ""},
	{"truncate 14", "EFAULT", "efault truncate -> EFAULT", ""},

	{"ftruncate 00", "shorter and longer, with zeros", "put f hello\n open 1 f rw\n ftruncate 1 2\n fstat 1 -> ok size=2 nlink=1\n ftruncate 1 4\n pread 1 0 9 -> ok \"he\\x00\\x00\"\n close 1\n cat f -> ok \"he\\x00\\x00\"", ""},
	{"ftruncate 00", "changes the times", "put f hello\n mark a f\n open 1 f w\n ftruncate 1 2\n close 1\n later a f", ""},
	{"ftruncate 00", "does not move the position", "put f hello\n open 1 f w\n seek 1 4\n ftruncate 1 0\n write 1 x\n close 1\n cat f -> ok \"\\x00\\x00\\x00\\x00x\"", ""},
	{"ftruncate 00", "asks for no permission of the file that is open", "put f hello\n open 1 f w\n @acl f r\n ftruncate 1 2\n close 1\n cat f -> ok \"he\"", serversDecide},
	{"ftruncate 12", "EFBIG for more than a file can have", "put f x\n open 1 f w\n ftruncate 1 999999999999999 -> EFBIG\n close 1\n cat f -> ok \"x\"", ""},
	{"ftruncate 13", "EINVAL for a negative length", "put f x\n open 1 f w\n ftruncate 1 -1 -> EINVAL", ""},
	{"ftruncate", "EINVAL for a descriptor that can not write", "put f x\n open 1 f r\n ftruncate 1 0 -> EINVAL\n mkdir d\n open 2 d r\n ftruncate 2 0 -> EINVAL", ""},

	{"write 00", "changes the times", "put f x\n mark a f\n append f y\n later a f", ""},
	{"write", "leaves zeros where nothing was written", "open 1 f w+creat\n seek 1 3\n write 1 x\n close 1\n cat f -> ok \"\\x00\\x00\\x00x\"", ""},
	{"write", "EFBIG behind the most that a file can have", "open 1 f w+creat\n seek 1 1047550\n write 1 x\n write 1 x -> EFBIG\n open 2 g w+creat\n seek 2 1047550\n write 2 x\n close 2\n stat g -> ok file 0644 size=1047551 nlink=1", ""},
	{"write", "what was written before a write that failed is kept", "open 1 f w+creat\n write 1 x\n seek 1 1047551\n write 1 y -> EFBIG\n close 1\n cat f -> ok \"x\"", wholeOrNot},
	{"chmod 00", "sets the mode", "put f x\n chmod f 600\n stat f -> ok file 0600 size=1 nlink=1", noMode},
	{"link 00", "makes another name", "put f x\n link f g\n stat f -> ok file 0644 size=1 nlink=2", noLinks},
	{"utimensat 00", "sets the times", "put f x\n settimes f 1000000000\n mtime f -> ok 1000000000", serversTime},
}

// marks are what the agent has noted about files, to compare them later.
var marks = map[string]unix.Stat_t{}

// agentRuleCall makes a call that only the rules need.
func agentRuleCall(files map[string]*os.File, call string, args []string) (string, error) {
	switch call {
	case "chdir":
		return "", unix.Chdir(args[0])
	case "openmode": // ID PATH FLAG+FLAG... MODE
		mode, _ := strconv.ParseUint(args[3], 8, 32)
		opened, err := os.OpenFile(args[1], openFlags(args[2]), os.FileMode(mode))
		files[args[0]] = opened
		return "", err
	case "mkdirmode":
		mode, _ := strconv.ParseUint(args[1], 8, 32)
		return "", unix.Mkdir(args[0], uint32(mode))
	case "settimes": // PATH SECONDS
		s, _ := strconv.ParseInt(args[1], 10, 64)
		return "", unix.UtimesNanoAt(unix.AT_FDCWD, args[0], []unix.Timespec{{Sec: s}, {Sec: s}}, 0)
	case "mtime":
		var st unix.Stat_t
		err := unix.Lstat(args[0], &st)
		return strconv.FormatInt(st.Mtim.Sec, 10), err
	case "tick": // waits for the next millisecond, the least by which times of znodes differ
		for now := time.Now().UnixMilli(); time.Now().UnixMilli() == now; {
		}
		return "", nil
	case "statfs":
		var st unix.Statfs_t
		if err := unix.Statfs(args[0], &st); err != nil || st.Blocks == 0 || st.Bavail > 0 {
			return "", err
		}
		return "full", nil
	case "efault": // CALL
		return "", efault(args[0])
	case "mark": // ID PATH
		var st unix.Stat_t
		err := unix.Lstat(args[1], &st)
		marks[args[0]] = st
		return "", err
	}
	return agentCompare(files, call, args)
}

// agentCompare compares a file with what was noted about it: later|same|sameino ID PATH, fsame ID FILE.
func agentCompare(files map[string]*os.File, call string, args []string) (string, error) {
	before, now := marks[args[0]], unix.Stat_t{}
	if call == "fsame" {
		if err := unix.Fstat(int(files[args[1]].Fd()), &now); err != nil {
			return "", err
		}
		now.Nlink, now.Ctim = before.Nlink, before.Ctim
		return verdict(now == before, "%+v, before %+v", now, before)
	}
	if err := unix.Lstat(args[1], &now); err != nil {
		return "", err
	}
	switch call {
	case "later":
		return verdict(now.Mtim.Nano() > before.Mtim.Nano() && now.Ctim.Nano() > before.Ctim.Nano(), "mtime %v, before %v", now.Mtim, before.Mtim)
	case "same":
		return verdict(now.Mtim == before.Mtim && now.Ctim == before.Ctim, "mtime %v, before %v", now.Mtim, before.Mtim)
	case "sameino":
		return verdict(now.Ino == before.Ino, "number %d, before %d", now.Ino, before.Ino)
	}
	return "", fmt.Errorf("unknown call %q", call)
}

// verdict is the answer to a comparison.
func verdict(ok bool, format string, args ...any) (string, error) {
	if ok {
		return "", nil
	}
	return fmt.Sprintf(format, args...), nil
}

// efault makes a call with the name of a file that lies nowhere in the memory of the process.
func efault(call string) error {
	const nowhere = 1
	number := map[string]uintptr{
		"open": unix.SYS_OPENAT, "unlink": unix.SYS_UNLINKAT, "mkdir": unix.SYS_MKDIRAT, "rmdir": unix.SYS_UNLINKAT, "rename": unix.SYS_RENAMEAT2,
		"truncate": unix.SYS_TRUNCATE,
	}[call]
	cwd := unix.AT_FDCWD
	var errno syscall.Errno
	switch call {
	case "truncate":
		_, _, errno = unix.Syscall(number, nowhere, 0, 0)
	case "rename":
		_, _, errno = unix.Syscall6(number, uintptr(cwd), nowhere, uintptr(cwd), nowhere, 0, 0)
	case "rmdir":
		_, _, errno = unix.Syscall(number, uintptr(cwd), nowhere, unix.AT_REMOVEDIR)
	default:
		_, _, errno = unix.Syscall(number, uintptr(cwd), nowhere, 0)
	}
	return errno
}
