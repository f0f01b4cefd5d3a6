package wire

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// filled returns a record of the type with every field set, each to another value.
func filled[T any, P interface {
	*T
	Record
}]() Record {
	r := P(new(T))
	n := 0
	fill(reflect.ValueOf(r).Elem(), &n)
	return r
}

func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int8:
		v.SetInt(int64(*n % 100))
	case reflect.Int32:
		v.SetInt(0x01020304 * int64(*n))
	case reflect.Int64:
		v.SetInt(-0x0102030405060708 * int64(*n))
	case reflect.String:
		v.SetString(fmt.Sprintf("/é%d", *n))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			v.SetBytes([]byte{byte(*n), 0, 0xff})
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	default:
		panic("a field of kind " + v.Kind().String())
	}
}

func filledMultiRequest() Record {
	m := &MultiRequest{}
	for _, op := range []Op{
		OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL, OpDelete, OpSetData, OpCheck,
		OpGetData, OpGetChildren, OpExists, OpGetChildren2, OpFilteredList,
		OpCheckNotExists, OpCreateIfNotExists, OpRemoveRecursive, OpCheckStat, OpTryRemove,
	} {
		r, n := newMultiRequest(op), int(op)
		fill(reflect.ValueOf(r).Elem(), &n)
		m.Ops = append(m.Ops, MultiOp{op, r})
	}
	return m
}

func filledMultiResponse() Record {
	m := &MultiResponse{}
	for _, op := range []Op{
		OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL, OpDelete, OpSetData, OpCheck,
		OpGetData, OpGetChildren, OpError, OpExists, OpGetChildren2,
		OpCheckNotExists, OpCreateIfNotExists, OpRemoveRecursive, OpCheckStat, OpTryRemove,
	} {
		r, _ := newMultiResult(op)
		if n := int(op); r != nil {
			fill(reflect.ValueOf(r).Elem(), &n)
		}
		m.Results = append(m.Results, MultiResult{op, r})
	}
	return m
}

// samples has a filled record of every type.
var samples = []Record{
	filled[ACL](),
	filled[AddWatchRequest](),
	filled[AuthPacket](),
	filled[CheckStatRequest](),
	filled[CheckVersionRequest](),
	filled[CheckWatchesRequest](),
	filled[ClientInfo](),
	filled[ConnectRequest](),
	filled[ConnectResponse](),
	filled[Create2Response](),
	filled[CreateRequest](),
	filled[CreateResponse](),
	filled[CreateTTLRequest](),
	filled[Data](),
	filled[DeleteRequest](),
	filled[ErrorResponse](),
	filled[ExistsRequest](),
	filled[ExistsResponse](),
	filled[FilteredListRequest](),
	filled[FilteredListWithDataRequest](),
	filled[FilteredListWithDataResponse](),
	filled[GetACLRequest](),
	filled[GetACLResponse](),
	filled[GetAllChildrenNumberRequest](),
	filled[GetAllChildrenNumberResponse](),
	filled[GetChildren2Response](),
	filled[GetChildrenRequest](),
	filled[GetChildrenResponse](),
	filled[GetDataRequest](),
	filled[GetDataResponse](),
	filled[GetEphemeralsRequest](),
	filled[GetEphemeralsResponse](),
	filled[GetSASLRequest](),
	filled[LimitedRequest](),
	filled[MultiHeader](),
	filledMultiRequest(),
	filledMultiResponse(),
	filled[ReconfigRequest](),
	filled[RemoveWatchesRequest](),
	filled[ReplyHeader](),
	filled[RequestHeader](),
	filled[SetACLRequest](),
	filled[SetACLResponse](),
	filled[SetDataRequest](),
	filled[SetDataResponse](),
	filled[SetSASLResponse](),
	filled[SetWatches](),
	filled[SetWatches2](),
	filled[Stat](),
	filled[SyncRequest](),
	filled[SyncResponse](),
	filled[WatcherEvent](),
	filled[WhoAmIResponse](),
}

func typeName(r Record) string { return reflect.TypeOf(r).Elem().Name() }

func empty(r Record) Record { return reflect.New(reflect.TypeOf(r).Elem()).Interface().(Record) }

// Every record of the package is in samples and has a fuzz target of its name.
func TestEveryRecordIsTested(t *testing.T) {
	files, _ := filepath.Glob("*.go")
	records, tested := map[string]bool{}, map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			tested[f.Name.Name] = true
			if f.Recv != nil && f.Name.Name == "Decode" {
				records[f.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name] = true
			}
		}
	}
	for _, r := range samples {
		tested[typeName(r)] = true
	}
	for name := range records {
		if !tested[name] || !tested["Fuzz"+name] {
			t.Errorf("%s: in samples %v, Fuzz%s exists %v", name, tested[name], name, tested["Fuzz"+name])
		}
	}
	if len(records) != len(samples) {
		t.Errorf("%d records, %d samples", len(records), len(samples))
	}
}

func TestRoundTrip(t *testing.T) {
	for _, r := range samples {
		got := empty(r)
		if err := Unmarshal(r.Append(nil), got); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", typeName(r), err, got, r)
		}
		zero := empty(r).Append(nil)
		got = empty(r)
		if err := Unmarshal(zero, got); err != nil || !bytes.Equal(got.Append(nil), zero) {
			t.Errorf("%s without anything: %v, %+v", typeName(r), err, got)
		}
	}
}

// A record that ends early, wherever, or late is an error which names that, and nothing is read beyond the end.
func TestTruncatedAndTrailing(t *testing.T) {
	for _, r := range samples {
		whole := r.Append(nil)
		for n := range len(whole) {
			err := Unmarshal(whole[:n:n], empty(r))
			if short := strings.HasPrefix(typeName(r), "Connect") && n == len(whole)-1; short && err == nil {
				continue // the form without ReadOnly
			}
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%s, %d of %d bytes: %v", typeName(r), n, len(whole), err)
			}
		}
		err := Unmarshal(append(whole, 0), empty(r))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "1 bytes left over") {
			t.Errorf("%s and a byte: %v", typeName(r), err)
		}
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	b := make([]byte, 0, 4096)
	for _, r := range samples {
		if n := testing.AllocsPerRun(10, func() { r.Append(b) }); n != 0 {
			t.Errorf("%s: %v allocations", typeName(r), n)
		}
	}
}

// ClickHouse Keeper leaves a failed read under its own operation, with nothing behind the header.
func TestFailedReadUnderItsOwnOperation(t *testing.T) {
	failed := MultiHeader{Op: OpGetData, Err: CodeNoNode}
	read := MultiResult{OpGetData, &GetDataResponse{Data: []byte("x")}}
	whole := (&MultiResponse{Results: []MultiResult{read}}).Append(failed.Append(nil))
	var got MultiResponse
	if err := Unmarshal(whole, &got); err != nil {
		t.Fatal(err)
	}
	want := []MultiResult{{OpError, &ErrorResponse{Err: CodeNoNode}}, read}
	if !reflect.DeepEqual(got.Results, want) {
		t.Errorf("decoded to %+v, want %+v", got.Results, want)
	}
	var codes []Code
	if err := SplitGetData(whole, func(_ []byte, code Code) { codes = append(codes, code) }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(codes, []Code{CodeNoNode, CodeOK}) {
		t.Errorf("split into %v", codes)
	}
}

func TestMultiRefusesOtherOperations(t *testing.T) {
	h := MultiHeader{Op: OpSync}
	b := AppendMultiEnd(h.Append(nil))
	for _, r := range []Record{&MultiRequest{}, &MultiResponse{}} {
		if err := Unmarshal(b, r); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "sync") {
			t.Errorf("%s: %v", typeName(r), err)
		}
	}
}
