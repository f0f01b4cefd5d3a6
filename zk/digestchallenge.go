package zk

import (
	"errors"
	"fmt"
	"strings"
)

// digestChallenge is the server's first token.
type digestChallenge struct {
	realm string // the first one, if there are several
	nonce string
	utf8  bool
}

// parseDigestChallenge reads digest-challenge of section 2.1.1.
func parseDigestChallenge(b []byte) (*digestChallenge, error) {
	directives, err := parseDirectives(b)
	if err != nil {
		return nil, err
	}
	c := &digestChallenge{}
	qop, algorithm, realms := "auth", "", 0
	for _, d := range directives {
		switch d.name {
		case "realm":
			if realms++; realms == 1 {
				c.realm = d.value
			}
		case "nonce":
			if c.nonce != "" {
				return nil, errors.New("two nonces")
			}
			c.nonce = d.value
		case "qop":
			qop = d.value
		case "charset":
			c.utf8 = strings.EqualFold(d.value, "utf-8")
		case "algorithm":
			algorithm = d.value
		}
	}
	switch {
	case c.nonce == "":
		return nil, errors.New("no nonce")
	case !strings.EqualFold(algorithm, "md5-sess"):
		return nil, fmt.Errorf("algorithm %q, where only md5-sess is known", algorithm)
	case !hasElement(qop, "auth"):
		return nil, fmt.Errorf("quality of protection %q does not include auth", qop)
	}
	return c, nil
}

// hasElement tells whether the list, with commas between its elements, has this one.
func hasElement(list, element string) bool {
	for e := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(e), element) {
			return true
		}
	}
	return false
}

// quote returns s as a quoted-string (section 7.2).
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// directive is one name=value of a token, with the name in lower case and the value without quotes.
type directive struct{ name, value string }

const linearSpace = " \t\r\n"

// parseDirectives reads a list of directives with commas between them.
func parseDirectives(b []byte) ([]directive, error) {
	var list []directive
	rest := strings.Trim(string(b), linearSpace)
	for rest != "" {
		if rest[0] == ',' { // elements of a list may be empty
			rest = strings.TrimLeft(rest[1:], linearSpace)
			continue
		}
		name, after, ok := strings.Cut(rest, "=")
		if name = strings.TrimRight(name, linearSpace); !ok || name == "" || strings.ContainsAny(name, linearSpace+`",`) {
			return nil, errors.New("malformed directive")
		}
		value, after, err := parseValue(strings.TrimLeft(after, linearSpace))
		if err != nil {
			return nil, fmt.Errorf("directive %q: %w", name, err)
		}
		list = append(list, directive{strings.ToLower(name), value})
		if rest = strings.TrimLeft(after, linearSpace); rest != "" && rest[0] != ',' {
			return nil, fmt.Errorf("directive %q: no comma behind it", name)
		}
	}
	return list, nil
}

// parseValue reads a token or a quoted-string from the front of s, and returns what follows.
func parseValue(s string) (value, after string, err error) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s+",", linearSpace+",")
		return s[:end], s[end:], nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			if i++; i == len(s) {
				return "", "", errUnquoted
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", errUnquoted
}

var errUnquoted = errors.New("no closing quote")
