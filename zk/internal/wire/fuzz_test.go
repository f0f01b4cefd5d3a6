package wire

import (
	"bytes"
	"encoding/binary"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// fuzzRecord checks on any input that the decoder of a record neither panics nor allocates out of proportion, and
// that what it accepts is encoded to bytes which mean the same.
func fuzzRecord[T any, P interface {
	*T
	Record
}](f *testing.F) {
	name := typeName(P(new(T)))
	for _, r := range append(samples, P(new(T))) {
		if typeName(r) == name {
			f.Add(r.Append(nil))
		}
	}
	f.Add([]byte("\x7f\xff\xff\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := P(new(T))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := Unmarshal(in, r)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > uint64(maxAmplification*len(in)+256<<10) {
			t.Errorf("%d bytes allocated for %d", got, len(in))
		}
		if err != nil {
			return
		}
		again, out := P(new(T)), r.Append(nil)
		if err := Unmarshal(out, again); err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%+v is encoded to %x and decoded to %+v, %v", r, out, again, err)
		}
		if twice := again.Append(nil); !bytes.Equal(out, twice) {
			t.Errorf("encoded to %x, then to %x", out, twice)
		}
	})
}

func FuzzACL(f *testing.F)                          { fuzzRecord[ACL](f) }
func FuzzAddWatchRequest(f *testing.F)              { fuzzRecord[AddWatchRequest](f) }
func FuzzAuthPacket(f *testing.F)                   { fuzzRecord[AuthPacket](f) }
func FuzzCheckStatRequest(f *testing.F)             { fuzzRecord[CheckStatRequest](f) }
func FuzzCheckVersionRequest(f *testing.F)          { fuzzRecord[CheckVersionRequest](f) }
func FuzzCheckWatchesRequest(f *testing.F)          { fuzzRecord[CheckWatchesRequest](f) }
func FuzzClientInfo(f *testing.F)                   { fuzzRecord[ClientInfo](f) }
func FuzzConnectRequest(f *testing.F)               { fuzzRecord[ConnectRequest](f) }
func FuzzConnectResponse(f *testing.F)              { fuzzRecord[ConnectResponse](f) }
func FuzzCreate2Response(f *testing.F)              { fuzzRecord[Create2Response](f) }
func FuzzCreateRequest(f *testing.F)                { fuzzRecord[CreateRequest](f) }
func FuzzCreateResponse(f *testing.F)               { fuzzRecord[CreateResponse](f) }
func FuzzCreateTTLRequest(f *testing.F)             { fuzzRecord[CreateTTLRequest](f) }
func FuzzData(f *testing.F)                         { fuzzRecord[Data](f) }
func FuzzDeleteRequest(f *testing.F)                { fuzzRecord[DeleteRequest](f) }
func FuzzErrorResponse(f *testing.F)                { fuzzRecord[ErrorResponse](f) }
func FuzzExistsRequest(f *testing.F)                { fuzzRecord[ExistsRequest](f) }
func FuzzExistsResponse(f *testing.F)               { fuzzRecord[ExistsResponse](f) }
func FuzzFilteredListRequest(f *testing.F)          { fuzzRecord[FilteredListRequest](f) }
func FuzzFilteredListWithDataRequest(f *testing.F)  { fuzzRecord[FilteredListWithDataRequest](f) }
func FuzzFilteredListWithDataResponse(f *testing.F) { fuzzRecord[FilteredListWithDataResponse](f) }
func FuzzGetACLRequest(f *testing.F)                { fuzzRecord[GetACLRequest](f) }
func FuzzGetACLResponse(f *testing.F)               { fuzzRecord[GetACLResponse](f) }
func FuzzGetAllChildrenNumberRequest(f *testing.F)  { fuzzRecord[GetAllChildrenNumberRequest](f) }
func FuzzGetAllChildrenNumberResponse(f *testing.F) { fuzzRecord[GetAllChildrenNumberResponse](f) }
func FuzzGetChildren2Response(f *testing.F)         { fuzzRecord[GetChildren2Response](f) }
func FuzzGetChildrenRequest(f *testing.F)           { fuzzRecord[GetChildrenRequest](f) }
func FuzzGetChildrenResponse(f *testing.F)          { fuzzRecord[GetChildrenResponse](f) }
func FuzzGetDataRequest(f *testing.F)               { fuzzRecord[GetDataRequest](f) }
func FuzzGetDataResponse(f *testing.F)              { fuzzRecord[GetDataResponse](f) }
func FuzzGetEphemeralsRequest(f *testing.F)         { fuzzRecord[GetEphemeralsRequest](f) }
func FuzzGetEphemeralsResponse(f *testing.F)        { fuzzRecord[GetEphemeralsResponse](f) }
func FuzzGetSASLRequest(f *testing.F)               { fuzzRecord[GetSASLRequest](f) }
func FuzzLimitedRequest(f *testing.F)               { fuzzRecord[LimitedRequest](f) }
func FuzzMultiHeader(f *testing.F)                  { fuzzRecord[MultiHeader](f) }
func FuzzMultiRequest(f *testing.F)                 { fuzzRecord[MultiRequest](f) }
func FuzzMultiResponse(f *testing.F)                { fuzzRecord[MultiResponse](f) }
func FuzzReconfigRequest(f *testing.F)              { fuzzRecord[ReconfigRequest](f) }
func FuzzRemoveWatchesRequest(f *testing.F)         { fuzzRecord[RemoveWatchesRequest](f) }
func FuzzReplyHeader(f *testing.F)                  { fuzzRecord[ReplyHeader](f) }
func FuzzRequestHeader(f *testing.F)                { fuzzRecord[RequestHeader](f) }
func FuzzSetACLRequest(f *testing.F)                { fuzzRecord[SetACLRequest](f) }
func FuzzSetACLResponse(f *testing.F)               { fuzzRecord[SetACLResponse](f) }
func FuzzSetDataRequest(f *testing.F)               { fuzzRecord[SetDataRequest](f) }
func FuzzSetDataResponse(f *testing.F)              { fuzzRecord[SetDataResponse](f) }
func FuzzSetSASLResponse(f *testing.F)              { fuzzRecord[SetSASLResponse](f) }
func FuzzSetWatches(f *testing.F)                   { fuzzRecord[SetWatches](f) }
func FuzzSetWatches2(f *testing.F)                  { fuzzRecord[SetWatches2](f) }
func FuzzStat(f *testing.F)                         { fuzzRecord[Stat](f) }
func FuzzSyncRequest(f *testing.F)                  { fuzzRecord[SyncRequest](f) }
func FuzzSyncResponse(f *testing.F)                 { fuzzRecord[SyncResponse](f) }
func FuzzWatcherEvent(f *testing.F)                 { fuzzRecord[WatcherEvent](f) }
func FuzzWhoAmIResponse(f *testing.F)               { fuzzRecord[WhoAmIResponse](f) }

// What any text is parsed to has a text that is parsed to the same, unless something is cut or secret in it.
func FuzzParse(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func(string) (Message, error){ParseRequest, ParseReply} {
			m, err := parse(text)
			if err != nil {
				continue
			}
			printed := m.String()
			if strings.Contains(printed, "...(") || strings.Contains(printed, "secret(") {
				continue
			}
			if again, err := parse(printed); err != nil || !reflect.DeepEqual(again, m) {
				t.Errorf("%q is parsed to %+v, printed as %q, parsed to %+v, %v", text, m, printed, again, err)
			}
		}
	})
}

// Any frame has a text, and one that is understood is encoded to a frame with the same text.
func FuzzMessage(f *testing.F) {
	for _, r := range samples {
		for op := range records {
			body := (&Message{Op: op, Record: r}).AppendReply(nil)[4:]
			f.Add(int32(op), body)
		}
	}
	f.Fuzz(func(t *testing.T, op int32, body []byte) {
		check := func(m Message, err error, again func(b []byte) (Message, error), frame []byte) {
			text := m.String()
			if err != nil {
				return
			}
			if m2, err := again(frame[4:]); err != nil || m2.String() != text {
				t.Errorf("%s, encoded and decoded again: %s, %v", text, &m2, err)
			}
		}
		for _, handshake := range []bool{true, false} {
			m, err := DecodeRequest(body, handshake)
			check(m, err, func(b []byte) (Message, error) { return DecodeRequest(b, handshake) }, m.AppendRequest(nil))
		}
		m, err := DecodeReply(body, Op(op))
		check(m, err, func(b []byte) (Message, error) { return DecodeReply(b, Op(op)) }, m.AppendReply(nil))
	})
}

// The results of a multiRead of getData are the same, found by themselves and decoded as those of a multi.
func FuzzSplitGetData(f *testing.F) {
	f.Add(filledMultiResponse().Append(nil))
	f.Add((&MultiResponse{Results: []MultiResult{
		{OpGetData, &GetDataResponse{Data: []byte("x")}}, {OpError, &ErrorResponse{Err: CodeNoNode}}, {OpGetData, &GetDataResponse{}},
	}}).Append(nil))
	f.Add(AppendMultiEnd((&MultiHeader{Op: OpGetData, Err: CodeNoNode}).Append(nil)))
	f.Fuzz(func(t *testing.T, in []byte) {
		var parts []MultiResult
		err := SplitGetData(in, func(record []byte, code Code) {
			if record == nil {
				parts = append(parts, MultiResult{OpError, &ErrorResponse{Err: code}})
				return
			}
			r := new(GetDataResponse)
			if err := Unmarshal(record, r); err != nil {
				t.Errorf("part %x: %v", record, err)
			}
			parts = append(parts, MultiResult{OpGetData, r})
		})
		if err != nil {
			return
		}
		var whole MultiResponse
		if err := Unmarshal(in, &whole); err != nil || !reflect.DeepEqual(whole.Results, parts) {
			t.Errorf("%x is split into %+v and decoded to %+v, %v", in, parts, whole.Results, err)
		}
	})
}

// A stream of frames is read as it was written, and what is not one costs no more than has arrived.
func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02ab\x00\x00\x00\x00"), 1<<20)
	f.Add([]byte("\x7f\xff\xff\xffab"), 1<<31-1)
	f.Add([]byte("\x80\x00\x00\x00"), 1<<20)
	f.Add([]byte("\x00\x0f\xff\xffab"), 1<<20)
	f.Fuzz(func(t *testing.T, in []byte, limit int) {
		var again, buf []byte
		var err error
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for r := bytes.NewReader(in); err == nil; {
			if buf, err = ReadFrame(r, buf[:0], limit); err == nil {
				again = binary.BigEndian.AppendUint32(again, uint32(len(buf)))
				again = append(again, buf...)
			}
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > uint64(maxAmplification*len(in)+256<<10) {
			t.Errorf("%d bytes allocated for %d", got, len(in))
		}
		if !bytes.HasPrefix(in, again) || err == io.EOF && len(again) != len(in) {
			t.Errorf("%x is read as %x, then %v", in, again, err)
		}
	})
}
