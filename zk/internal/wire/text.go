package wire

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// The text of a message is one line: the operation, then the fields of the header and of the record that are not zero.
//
//	getData xid=7 path="/a" watch
//	getData xid=7 zxid=0x1f data="hello" stat={czxid=0x1e mzxid=0x1e ... dataLength=5 pzxid=0x1e}
//	getData xid=7 zxid=0x1f error=NoNode
//	notification zxid=-1 type=dataChanged state=3 path="/a"
//	multi xid=8 ops=[create{path="/b" data="" acl=[{perms=31 scheme="world" id="anyone"}]} delete{path="/c" version=-1}]
//
// A field that is absent is zero: null data is absent, empty data is "". An absent xid is that of the operation if it has
// a fixed one. The text of a message is parsed back to an equal one, unless something in it was cut for its length, or is
// a secret: every buffer but a znode's data shows its length alone.
//
// Text goes by reflection: it is for people, who read it far more slowly than it prints, and so a record's
// struct describes its text with nothing to forget.

const (
	maxText = 256 // bytes of a string or of data that are shown
	maxList = 100 // elements of a list that are shown
)

// String returns the message's text. It never holds a credential or the password of a session.
func (m *Message) String() string {
	b := []byte(m.Op.String())
	if fixed, ok := fixedXids[m.Op]; m.Xid != fixed || !ok && m.Xid != 0 {
		b = fmt.Appendf(b, " xid=%d", m.Xid)
	}
	if m.Zxid != 0 {
		b = append(b, " zxid="+idText(m.Zxid)...)
	}
	if m.Err != CodeOK {
		b = append(b, " error="+m.Err.String()...)
	}
	if m.Record != nil {
		b = append(b, ' ')
		b = appendFields(b, reflect.ValueOf(m.Record).Elem())
	}
	return strings.TrimRight(string(b), " ")
}

// idText writes zxids and session ids as ZooKeeper's logs do.
func idText(id int64) string {
	if id == -1 {
		return "-1"
	}
	return "0x" + strconv.FormatUint(uint64(id), 16)
}

// fieldName turns the name of a struct's field into that of the text: Path into path, ACL into acl.
func fieldName(f reflect.StructField) string {
	if strings.ToUpper(f.Name) == f.Name {
		return strings.ToLower(f.Name)
	}
	return strings.ToLower(f.Name[:1]) + f.Name[1:]
}

// appendFields writes the fields of a struct that are not zero, each with a space behind it but the last.
func appendFields(b []byte, v reflect.Value) []byte {
	start := len(b)
	for i := range v.NumField() {
		f, field := v.Field(i), v.Type().Field(i)
		switch {
		case field.Anonymous:
			b = append(appendFields(b, f), ' ')
		case f.Kind() == reflect.Bool && f.Bool():
			b = append(b, fieldName(field)+" "...)
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Uint8 && !f.IsNil():
			b = append(b, fieldName(field)+"="...)
			if field.Name == "Data" {
				b = append(appendQuoted(b, string(f.Bytes())), ' ')
			} else {
				b = fmt.Appendf(b, "secret(%d) ", f.Len())
			}
		case f.Kind() == reflect.Slice && f.Len() == 0:
		case !f.IsZero():
			b = append(b, fieldName(field)+"="...)
			b = append(appendValue(b, f, field.Name), ' ')
		}
	}
	if n := len(b); n > start && b[n-1] == ' ' {
		b = b[:n-1]
	}
	return b
}

// appendValue writes the value of the field of that name, or an element of it.
func appendValue(b []byte, v reflect.Value, name string) []byte {
	if names, ok := v.Interface().(fmt.Stringer); ok {
		return append(b, names.String()...)
	}
	switch v.Kind() {
	case reflect.String:
		return appendQuoted(b, v.String())
	case reflect.Slice:
		return appendList(b, v, name)
	case reflect.Struct:
		switch op := v.Interface().(type) {
		case MultiOp:
			return appendOp(b, op.Op, op.Record)
		case MultiResult:
			return appendOp(b, op.Op, op.Record)
		}
		return append(appendFields(append(b, '{'), v), '}')
	case reflect.Int64:
		if !isTime(name) {
			return append(b, idText(v.Int())...)
		}
	}
	return strconv.AppendInt(b, v.Int(), 10)
}

// isTime tells the int64 fields that are milliseconds from those that are ids.
func isTime(name string) bool { return name == "Ctime" || name == "Mtime" || name == "TTL" }

func appendList(b []byte, v reflect.Value, name string) []byte {
	b = append(b, '[')
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ' ')
		}
		if i == maxList {
			b = fmt.Appendf(b, "...(%d)", v.Len())
			break
		}
		b = appendValue(b, v.Index(i), name)
	}
	return append(b, ']')
}

func appendOp(b []byte, op Op, r Record) []byte {
	b = append(b, op.String()+"{"...)
	if r != nil {
		b = appendFields(b, reflect.ValueOf(r).Elem())
	}
	return append(b, '}')
}

// appendQuoted writes s as a Go string, so that no byte of it can act on a terminal.
func appendQuoted(b []byte, s string) []byte {
	if len(s) <= maxText {
		return strconv.AppendQuote(b, s)
	}
	return fmt.Appendf(strconv.AppendQuote(b, s[:maxText]), "...(%d)", len(s))
}
