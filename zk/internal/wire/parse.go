package wire

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// ParseRequest returns the request that has the text.
func ParseRequest(text string) (Message, error) { return parseMessage(text, false) }

// ParseReply returns the reply or notification that has the text.
func ParseReply(text string) (Message, error) { return parseMessage(text, true) }

func parseMessage(text string, reply bool) (Message, error) {
	p := textParser{rest: text}
	m := Message{Op: parseName(&p, p.word(), opNames)}
	m.Xid = fixedXids[m.Op]
	for p.header(&m, reply) {
	}
	newRecord := records[m.Op].request
	if reply {
		newRecord = records[m.Op].reply
	}
	if newRecord != nil && m.Err == CodeOK {
		m.Record = newRecord()
		p.fields(reflect.ValueOf(m.Record).Elem())
	}
	if p.rest != "" {
		p.fail("not understood")
	}
	if p.err != nil {
		return Message{}, p.err
	}
	return m, nil
}

// A textParser takes tokens from the front of rest, with the space behind each. The first error sticks.
type textParser struct {
	rest string
	err  error
}

func (p *textParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format+" at %q", append(args, p.rest)...)
		p.rest = ""
	}
}

func (p *textParser) accept(token string) bool {
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = strings.TrimLeft(rest, " ")
	}
	return ok
}

func (p *textParser) expect(token string) {
	if !p.accept(token) {
		p.fail("want %s", token)
	}
}

// header takes a field of the header if one follows. No field of a record has the name of one.
func (p *textParser) header(m *Message, reply bool) bool {
	switch {
	case p.accept("xid="):
		m.Xid = int32(p.int(32))
	case reply && p.accept("zxid="):
		m.Zxid = p.int(64)
	case reply && p.accept("error="):
		m.Err = parseName(p, p.word(), codeNames)
	default:
		return false
	}
	return p.err == nil
}

// word takes a name or a number.
func (p *textParser) word() string {
	n := strings.IndexFunc(p.rest, func(c rune) bool {
		return c != '-' && !unicode.IsLetter(c) && !unicode.IsDigit(c)
	})
	if n < 0 {
		n = len(p.rest)
	}
	if n == 0 {
		p.fail("want a word")
		return ""
	}
	word := p.rest[:n]
	p.rest = strings.TrimLeft(p.rest[n:], " ")
	return word
}

// int takes a number of that many bits, in decimal or hexadecimal; ids above the largest int64 are the negative ones.
func (p *textParser) int(bits int) int64 {
	at := p.rest
	s := p.word()
	n, err := strconv.ParseInt(s, 0, bits)
	if err != nil && bits == 64 {
		var u uint64
		u, err = strconv.ParseUint(s, 0, 64)
		n = int64(u)
	}
	if err != nil {
		p.rest = at
		p.fail("want a number")
	}
	return n
}

func (p *textParser) quoted() string {
	q, err := strconv.QuotedPrefix(p.rest)
	if err != nil {
		p.fail("want a string in quotes")
		return ""
	}
	s, _ := strconv.Unquote(q)
	p.rest = p.rest[len(q):]
	if strings.HasPrefix(p.rest, "...") {
		p.fail("the text is cut")
	}
	p.accept(" ")
	return s
}

// parseName returns the value whose name, or number, is s.
func parseName[T ~int32](p *textParser, s string, names map[T]string) T {
	for value, name := range names {
		if name == s {
			return value
		}
	}
	n, err := strconv.ParseInt(s, 0, 32)
	if err != nil {
		p.fail("unknown name %q", s)
	}
	return T(n)
}

// fields sets the fields of the struct v that follow.
func (p *textParser) fields(v reflect.Value) {
	for p.err == nil && p.rest != "" && p.rest[0] != '}' {
		at := p.rest
		name := p.word()
		f := v.FieldByNameFunc(func(s string) bool { return strings.EqualFold(s, name) })
		switch {
		case p.err != nil:
		case !f.IsValid():
			p.rest = at
			p.fail("%s has no such field", v.Type().Name())
		case f.Kind() == reflect.Bool:
			f.SetBool(true)
		default:
			p.expect("=")
			p.value(f)
		}
	}
}

// value sets v to the value that follows.
func (p *textParser) value(v reflect.Value) {
	switch e := v.Addr().Interface().(type) {
	case *Op:
		*e = parseName(p, p.word(), opNames)
	case *Code:
		*e = parseName(p, p.word(), codeNames)
	case *EventType:
		*e = parseName(p, p.word(), eventNames)
	case *WatcherType:
		*e = parseName(p, p.word(), watcherNames)
	case *MultiOp:
		e.Op = parseName(p, p.word(), opNames)
		e.Record = newMultiRequest(e.Op)
		p.op(e.Op, e.Record, e.Record != nil)
	case *MultiResult:
		var ok bool
		e.Op = parseName(p, p.word(), opNames)
		e.Record, ok = newMultiResult(e.Op)
		p.op(e.Op, e.Record, ok)
	case *[]byte:
		if strings.HasPrefix(p.rest, "secret") {
			p.fail("secrets are not in the text")
		}
		*e = append([]byte{}, p.quoted()...)
	case *string:
		*e = p.quoted()
	case *int8:
		*e = int8(p.int(8))
	case *int32:
		*e = int32(p.int(32))
	case *int64:
		*e = p.int(64)
	default:
		if v.Kind() == reflect.Slice {
			p.list(v)
			return
		}
		p.expect("{")
		p.fields(v)
		p.expect("}")
	}
}

func (p *textParser) list(v reflect.Value) {
	p.expect("[")
	for p.err == nil && !p.accept("]") {
		if strings.HasPrefix(p.rest, "...") {
			p.fail("the list is cut")
			return
		}
		v.Grow(1)
		v.SetLen(v.Len() + 1)
		p.value(v.Index(v.Len() - 1))
	}
}

// op takes the fields of an operation or result of a multi.
func (p *textParser) op(op Op, r Record, ok bool) {
	if !ok {
		p.fail("%v does not stand in a multi", op)
	}
	p.expect("{")
	if r != nil {
		p.fields(reflect.ValueOf(r).Elem())
	}
	p.expect("}")
}
