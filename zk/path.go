package zk

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// validatePath refuses what no server accepts (PathUtils.validatePath).
func validatePath(path string) error {
	if path == "/" {
		return nil
	}
	if path == "" || path[0] != '/' || path[len(path)-1] == '/' {
		return fmt.Errorf("%w: %q must start with a slash and not end with one", ErrInvalidPath, path)
	}
	start := 1 // of the current name
	for i, r := range path {
		switch {
		case r == '/':
			if i > 0 {
				if err := validateName(path, path[start:i]); err != nil {
					return err
				}
				start = i + 1
			}
		case r == utf8.RuneError && !strings.HasPrefix(path[i:], "\uFFFD"):
			return fmt.Errorf("%w: %q is not UTF-8", ErrInvalidPath, path)
		case forbidden(r):
			return fmt.Errorf("%w: %q contains %U", ErrInvalidPath, path, r)
		}
	}
	return validateName(path, path[start:])
}

func validateName(path, name string) error {
	if name == "" || name == "." || name == ".." {
		return fmt.Errorf("%w: %q contains the name %q", ErrInvalidPath, path, name)
	}
	return nil
}

// validName reports whether validatePath accepts name as a part of a path.
func validName(name string) bool {
	if name == "" || name == "." || name == ".." {
		return false
	}
	ascii := 0
	for ascii < len(name) && name[ascii]-0x20 < 0x7f-0x20 && name[ascii] != '/' {
		ascii++
	}
	for _, r := range name[ascii:] {
		if r == '/' || forbidden(r) { // as utf8.RuneError is
			return false
		}
	}
	return true
}

// forbidden tells the characters that PathUtils refuses. It looks at UTF-16 units, so that the
// surrogates of everything above U+FFFF are among them.
func forbidden(r rune) bool {
	return r <= 0x1f || r >= 0x7f && r <= 0x9f || r >= 0xd800 && r <= 0xf8ff || r >= 0xfff0
}

// validateCreate validates the path of a create; that of a sequential one gets ten digits appended.
func validateCreate(path string, sequential bool) error {
	if sequential {
		path += "1"
	}
	if validatePath(path) != nil {
		return ErrInvalidPath
	}
	return nil
}

// chroot is the znode of the server below which a Conn sees everything: "" for the root, or "/a/b".
type chroot string

// chrootAt returns the chroot of that path, which may be "" too.
func chrootAt(path string) (chroot, error) {
	if path == "" || path == "/" {
		return "", nil
	}
	if validatePath(path) != nil {
		return "", fmt.Errorf("zk: chroot %q: %w", path, ErrInvalidPath)
	}
	return chroot(path), nil
}

// serverPath returns path as the server knows it. The error is ErrInvalidPath itself, because programs compare with ==.
func (r chroot) serverPath(path string) (string, error) {
	if validatePath(path) != nil {
		return "", ErrInvalidPath
	}
	return r.withChroot(path), nil
}

func (r chroot) withChroot(path string) string {
	switch {
	case r == "":
		return path
	case path == "/":
		return string(r)
	}
	return string(r) + path
}

// clientPath returns a path of the server as users of the Conn know it. ok is false for a path
// outside the chroot.
func (r chroot) clientPath(path string) (own string, ok bool) {
	rest, ok := strings.CutPrefix(path, string(r))
	switch {
	case !ok:
		return "", false
	case rest == "":
		return "/", true
	case rest[0] != '/':
		return "", false
	}
	return rest, true
}

// ParseConnectString splits "host:port,host:port/chroot" into its servers and the chroot, "" if there is none.
func ParseConnectString(s string) (servers []string, chroot string, err error) {
	hosts := s
	if i := strings.IndexByte(s, '/'); i >= 0 {
		hosts, chroot = s[:i], s[i:]
		if chroot == "/" {
			chroot = ""
		} else if err := validatePath(chroot); err != nil {
			return nil, "", err
		}
	}
	for _, host := range strings.Split(hosts, ",") {
		if host = strings.TrimSpace(host); host == "" {
			return nil, "", fmt.Errorf("zk: empty server name in connect string %q, want host[:port][,host[:port]...][/chroot]", s)
		}
		servers = append(servers, host)
	}
	return servers, chroot, nil
}
