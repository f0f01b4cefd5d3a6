package fs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zkfs/zkfs/zk"
)

// rule is something that POSIX asks of file systems, after the tests of pjdfstest.
type rule struct {
	name  string // the system call, the number of pjdfstest's script if it has one, and what is asked
	why   string // not empty: the rule does not apply, and this is the reason
	steps []ruleStep
}

// ruleStep is a call that a rule makes, and what it must answer.
type ruleStep struct {
	at   string // FILE:LINE
	call string
	want string
}

// TestRules makes the calls of each rule of testdata/rules on a mount, in a directory of its own. A
// rule that does not apply and whose calls answer as it wants is an error. A file has rules of one
// family of calls, in lines:
//
//	rule CALL [NUMBER]: TEXT     a rule begins here; pjdfstest has it in the script of that number
//	but TEXT                     the rule does not apply, for this reason
//	WORD [ARG]... [-> ANSWER]    the agent makes this call, see internal/orders, and answers so, else "ok"
//	ro WORD [ARG]...             an agent in a read-only mount makes it
//	ro eventually PATH           that agent sees a file that was made in the other mount
//	@acl PATH [PERMISSIONS]      another client sets the ACL: of the permissions, or one that lets no process in
//
// {255} and {256} are names of so many bytes, {path} is a path that is too long, {mount} the mount
// point and {elsewhere} another file system. Lines that are empty or begin with # say nothing.
func TestRules(t *testing.T) {
	p := newRulePlayer(t)
	for i, r := range readRules(t) {
		t.Run(strings.ReplaceAll(r.name, "/", " "), func(t *testing.T) {
			if err := p.play(fmt.Sprintf("rule-%d", i), r); err != nil {
				t.Error(err)
			}
		})
	}
}

// A step with a word that is not known fails whatever is said about it, and so does a rule that
// applies although its file says that it does not.
func TestRulesFail(t *testing.T) {
	p := newRulePlayer(t)
	for i, tt := range []struct{ text, want string }{
		{"put f x\ncat f -> ok \"y\"", `x:3: cat f: ok "x", want ok "y"`},
		{"but no\nput f x", "applies"},
		{"but no\nfrobnicate f", `unknown call "frobnicate"`},
		{"but no\nopen 1 f w+create", `unknown word "create"`},
		{"but no\nopen 1 f", "index out of range"},
		{"but no\ntruncate f two", "invalid syntax"},
		{"but no\nput f x\nlater a f", `unknown word "a"`},
		{"but no\nefault frobnicate", `unknown word "frobnicate"`},
		{"but no\n@acl f x", `unknown word "x"`},
		{"but no\n@frobnicate f", `unknown call "@frobnicate"`},
		{"but no\nro", "no call"},
		{"but no\ncat {257}", "unknown place"},
	} {
		rules, err := parseRules("x", "rule a: b\n"+tt.text)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.play(fmt.Sprintf("wrong-%d", i), rules[0]); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
}

// A file that is not as it must be is refused, with the line.
func TestRuleFilesAreChecked(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"put f x", "x:1: a step before the first rule"},
		{"but no", "x:1: a reason without a rule"},
		{"# a\n\nrule a b", "x:3: want rule CALL [NUMBER]: TEXT"},
		{"rule a:\nput f x", "x:1: want rule CALL [NUMBER]: TEXT"},
		{"rule a: b\nrule c: d\nput f x", "x:1: a rule without steps"},
		{"rule a: b\nbut no", "x:1: a rule without steps"},
		{"rule a: b\nput f x\nbut no", "x:3: a reason after a step"},
		{"rule a: b\nbut no\nbut not\nput f x", "x:3: a second reason"},
		{"rule a: b\nbut \nput f x", "x:2: an empty reason"},
		{"rule a: b\nput f x -> EWHATEVER", `x:2: unknown answer "EWHATEVER"`},
		{"rule a: b\nput f x ->", `x:2: unknown answer ""`},
		{"rule a: b\n-> ok", "x:2: no call"},
		{"", "x: no rules"},
	} {
		if _, err := parseRules("x", tt.text); err == nil || err.Error() != tt.want {
			t.Errorf("%q: %v, want %s", tt.text, err, tt.want)
		}
	}
}

// readRules returns the rules of all files of testdata/rules.
func readRules(t *testing.T) []rule {
	t.Helper()
	files, err := filepath.Glob("testdata/rules/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("files %q, %v", files, err)
	}
	var all []rule
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rules, err := parseRules(file, string(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rules...)
	}
	return all
}

// parseRules returns the rules of a file.
func parseRules(file, text string) ([]rule, error) {
	var rules []rule
	var begun string // where the last rule begins
	unfinished := func() bool { return len(rules) > 0 && len(rules[len(rules)-1].steps) == 0 }
	n := 0
	for line := range strings.Lines(text) {
		n++
		at := fmt.Sprintf("%s:%d", file, n)
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case word == "rule":
			if unfinished() {
				return nil, fmt.Errorf("%s: a rule without steps", begun)
			}
			if call, text, _ := strings.Cut(rest, ": "); call == "" || text == "" {
				return nil, fmt.Errorf("%s: want rule CALL [NUMBER]: TEXT", at)
			}
			rules, begun = append(rules, rule{name: rest}), at
		case word == "but":
			if err := addReason(rules, rest); err != nil {
				return nil, fmt.Errorf("%s: %w", at, err)
			}
		default:
			s, err := parseStep(line)
			if err == nil && len(rules) == 0 {
				err = errors.New("a step before the first rule")
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", at, err)
			}
			s.at = at
			last := &rules[len(rules)-1]
			last.steps = append(last.steps, s)
		}
	}
	if unfinished() {
		return nil, fmt.Errorf("%s: a rule without steps", begun)
	}
	if len(rules) == 0 {
		return nil, fmt.Errorf("%s: no rules", file)
	}
	return rules, nil
}

// addReason says why the last rule does not apply.
func addReason(rules []rule, why string) error {
	if len(rules) == 0 {
		return errors.New("a reason without a rule")
	}
	last := &rules[len(rules)-1]
	switch {
	case len(last.steps) > 0:
		return errors.New("a reason after a step")
	case last.why != "":
		return errors.New("a second reason")
	case why == "":
		return errors.New("an empty reason")
	}
	last.why = why
	return nil
}

func parseStep(line string) (ruleStep, error) {
	call, want, found := strings.Cut(line+" ", "-> ")
	s := ruleStep{call: strings.TrimSpace(call), want: strings.TrimSpace(want)}
	if !found {
		s.want = "ok"
	}
	if s.call == "" {
		return s, errors.New("no call")
	}
	if word, _, _ := strings.Cut(s.want, " "); word != "ok" && !slices.Contains(errnoNames, word) {
		return s, fmt.Errorf("unknown answer %q", s.want)
	}
	return s, nil
}

// errnoNames are the names of the kernel's errors.
var errnoNames = func() (names []string) {
	for errno := syscall.Errno(1); errno <= unix.EHWPOISON; errno++ {
		names = append(names, unix.ErrnoName(errno))
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}()

// rulePlayer makes the steps of rules.
type rulePlayer struct {
	w      *world
	ro     *agent // in a mount that is read-only
	roDir  string
	places *strings.Replacer
}

func newRulePlayer(t *testing.T) *rulePlayer {
	t.Helper()
	w := newWorld(t, Options{})
	p := &rulePlayer{w: w, roDir: t.TempDir()}
	w.mount(p.roDir, Options{ReadOnly: true})
	p.ro = newAgent(t, p.roDir)
	p.places = strings.NewReplacer("{255}", strings.Repeat("n", 255), "{256}", strings.Repeat("n", 256),
		"{path}", strings.Repeat("p/", 2100), "{mount}", w.dir, "{elsewhere}", t.TempDir())
	return p
}

// play makes the steps of a rule in the directory dir, which it creates.
func (p *rulePlayer) play(dir string, r rule) error {
	p.w.t.Helper()
	p.w.want("ok", "chdir", p.w.dir)
	p.w.want("ok", "mkdir", dir)
	p.w.want("ok", "chdir", dir)
	p.ro.want("ok", "chdir", p.roDir)
	p.ro.eventually(p.w, "ok", "access", dir, "r")
	p.ro.want("ok", "chdir", dir)
	kept := true
	for _, s := range r.steps {
		got, err := p.step("/"+dir+"/", p.places.Replace(s.call))
		if after, isError := strings.CutPrefix(got, "error "); err == nil && isError { // no error of the kernel
			err = errors.New(after)
		}
		if err != nil {
			return fmt.Errorf("%s: %s: %w", s.at, s.call, err)
		}
		if kept = kept && got == s.want; !kept && r.why == "" {
			return fmt.Errorf("%s: %s: %s, want %s", s.at, s.call, got, s.want)
		}
	}
	if kept && r.why != "" {
		return fmt.Errorf("it applies, but its file says: %s", r.why)
	}
	return nil
}

// step makes one call of a rule and returns the answer. The rule has the directory dir.
func (p *rulePlayer) step(dir, call string) (string, error) {
	p.w.t.Helper()
	words := strings.Fields(call)
	switch {
	case strings.Contains(call, "{"):
		return "", errors.New("unknown place")
	case words[0] == "@acl" && len(words) > 1:
		return "ok", p.setACL(dir+words[1], words[2:])
	case strings.HasPrefix(words[0], "@"):
		return "", fmt.Errorf("unknown call %q", words[0])
	case words[0] == "ro" && len(words) == 1:
		return "", errors.New("no call")
	case words[0] == "ro" && words[1] == "eventually" && len(words) == 3:
		p.ro.eventually(p.w, "ok", "access", words[2], "r")
		return "ok", nil
	case words[0] == "ro":
		return p.ro.do(words[1:]...), nil
	}
	return p.w.do(words...), nil
}

// setACL lets all processes have the permissions. Without any the ACL names a user that no process
// is.
func (p *rulePlayer) setACL(path string, permissions []string) error {
	acl := zk.DigestACL(zk.PermAll, "another", "user")
	if len(permissions) > 0 {
		acl = []zk.ACL{{Scheme: "world", ID: "anyone"}}
	}
	for _, name := range permissions {
		bit, ok := map[string]int32{"r": zk.PermRead, "w": zk.PermWrite, "c": zk.PermCreate, "d": zk.PermDelete}[name]
		if !ok {
			return fmt.Errorf("unknown word %q", name)
		}
		acl[0].Perms |= bit
	}
	_, err := p.w.other.SetACL(path, acl, -1)
	return err
}
