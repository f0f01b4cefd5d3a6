package wire

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// texts are requests and replies in exactly the form in which they are printed.
var texts = []string{
	`getData xid=7 path="/a" watch`,
	`getData xid=7 zxid=0x1f data="hello\x00\xff" stat={czxid=0x1e mzxid=0x1f ctime=1700000000000 mtime=-1 version=1 cversion=-2 ephemeralOwner=0x8000000000000001 dataLength=7 pzxid=0x1e}`,
	`getData xid=7 zxid=0x1f error=NoNode`,
	`getData xid=7 zxid=0x1f error=-999`,
	`getData xid=7 data="" stat={version=1}`,
	`getData xid=7 zxid=0x1f`,
	`notification zxid=-1 type=dataChanged state=3 path="/a"`,
	`notification zxid=0x500000001 type=9 state=3 path="/a"`,
	`ping`,
	`ping zxid=0x5`,
	`ping xid=3`,
	`closeSession xid=9`,
	`createSession lastZxidSeen=0x5 timeOut=4000 sessionID=0x1000`,
	`createSession timeOut=4000 sessionID=0xff00000000000001 readOnly`,
	`auth scheme="digest"`,
	`getChildren2 xid=3 zxid=0x5 children=["a" "b \"c\"" ""] stat={numChildren=3}`,
	`create xid=8 path="/b" data="" acl=[{perms=31 scheme="world" id="anyone"} {perms=1 scheme="ip" id="::1"}] flags=1`,
	`createTTL xid=8 path="/b" ttl=1000`,
	`setWatches2 relativeZxid=0x1 dataWatches=["/a"] persistentRecursiveWatches=["/c"]`,
	`removeWatches xid=8 path="/a" type=any`,
	`addWatch xid=8 path="/a" mode=1`,
	`addWatch xid=8 zxid=0x5 err=NoWatcher`,
	`multi xid=8 ops=[create{path="/b" data=""} delete{path="/c" version=-1} check{path="/d"}]`,
	`multi xid=8 zxid=0x9 results=[create2{path="/b" stat={version=1}} delete{} error{err=RuntimeInconsistency} error{}]`,
	`reconfig xid=8 newMembers="server.1=a:1:2;3" curConfigID=-1`,
	`whoAmI xid=8 zxid=0x9 clientInfo=[{authScheme="ip" user="127.0.0.1"}]`,
	`getAllChildrenNumber xid=8 zxid=0x9 totalNumber=5`,
	`99 xid=8`,
}

func TestTextRoundTrip(t *testing.T) {
	for _, text := range texts {
		request, requestErr := ParseRequest(text)
		reply, replyErr := ParseReply(text)
		if requestErr != nil && replyErr != nil {
			t.Errorf("%s\nas request: %v\nas reply: %v", text, requestErr, replyErr)
		}
		if requestErr == nil && request.String() != text {
			t.Errorf("got  %s\nwant %s", &request, text)
		}
		if replyErr == nil && reply.String() != text {
			t.Errorf("got  %s\nwant %s", &reply, text)
		}
	}
}

// Every record with every field set has a text that is parsed back to it.
func TestTextOfEveryRecord(t *testing.T) {
	for op, kinds := range records {
		for reply, newRecord := range map[bool]func() Record{false: kinds.request, true: kinds.reply} {
			if newRecord == nil {
				continue
			}
			m := Message{Op: op, Xid: fixedXids[op], Record: sampleLike(newRecord())}
			text := m.String()
			if strings.Contains(text, "secret(") {
				continue
			}
			parse := ParseRequest
			if reply {
				parse = ParseReply
			}
			if got, err := parse(text); err != nil || !reflect.DeepEqual(got, m) {
				t.Errorf("%s\nis parsed as %s, %v", text, &got, err)
			}
		}
	}
}

func sampleLike(r Record) Record {
	for _, sample := range samples {
		if typeName(sample) == typeName(r) {
			return sample
		}
	}
	panic("no sample of " + typeName(r))
}

func TestSecretsAreNotInTheText(t *testing.T) {
	const secret = "hunter2"
	for _, r := range []Record{
		&ConnectRequest{Passwd: []byte(secret)},
		&ConnectResponse{Passwd: []byte(secret)},
		&AuthPacket{Scheme: "digest", Auth: []byte(secret)},
		&GetSASLRequest{Token: []byte(secret)},
		&SetSASLResponse{Token: []byte(secret)},
	} {
		m := Message{Op: OpAuth, Record: r}
		text := m.String()
		if !strings.Contains(text, "=secret(7)") || strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
			t.Errorf("%s: %s", typeName(r), text)
		}
	}
	if _, err := ParseRequest(`auth scheme="digest" auth=secret(7)`); err == nil {
		t.Error("a hidden secret is parsed")
	}
	m, err := ParseRequest(`auth scheme="digest" auth="hunter2"`)
	if err != nil || string(m.Record.(*AuthPacket).Auth) != secret {
		t.Errorf("a secret cannot be written: %v", err)
	}
}

func TestTextIsCut(t *testing.T) {
	long := strings.Repeat("x", 1000)
	tests := []struct {
		r    Record
		want string
	}{
		{&GetDataResponse{Data: []byte(long)}, `getData data="` + long[:maxText] + `"...(1000)`},
		{&SyncRequest{Path: long}, `getData path="` + long[:maxText] + `"...(1000)`},
		{&GetChildrenResponse{Children: make([]string, 1000)}, `getData children=[` + strings.Repeat(`"" `, maxList) + `...(1000)]`},
	}
	for _, tt := range tests {
		m := Message{Op: OpGetData, Record: tt.r}
		if got := m.String(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	for _, text := range []string{`getData data="x"...(1000)`, `getChildren children=["a" ...(1000)]`} {
		if m, err := ParseReply(text); err == nil || !strings.Contains(err.Error(), "is cut") {
			t.Errorf("%s is parsed to %s, %v", text, &m, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		``:                                 `want a word at ""`,
		`getDate path="/a"`:                `unknown name "getDate" at "path=\"/a\""`,
		`getData pfad="/a"`:                `GetDataRequest has no such field at "pfad=\"/a\""`,
		`getData path=/a`:                  `want a string in quotes at "/a"`,
		`getData path="/a`:                 `want a string in quotes at "\"/a"`,
		`getData path`:                     `want = at ""`,
		`getData xid=x`:                    `want a number at "x"`,
		`getData xid=4294967296`:           `want a number at "4294967296"`,
		`getData xid=1 error=NoNode`:       `GetDataRequest has no such field at "error=NoNode"`,
		`ping path="/a"`:                   `not understood at "path=\"/a\""`,
		`getData path="/a"}`:               `not understood at "}"`,
		`create acl=[{perms=1]`:            `want a word at "]"`,
		`multi ops=[sync{path="/a"}]`:      `sync does not stand in a multi at "{path=\"/a\"}]"`,
		`multi ops=[delete{path="/a"}`:     `want a word at ""`,
		`delete path="/a" version=NoNode`:  `want a number at "NoNode"`,
		`removeWatches path="/" type=some`: `unknown name "some" at ""`,
	} {
		m, err := ParseRequest(text)
		if err == nil || err.Error() != want {
			t.Errorf("%s\nis parsed to %s, %v\nwant error %s", text, &m, err, want)
		}
	}
}

// No byte of a path or of data reaches the terminal as it is.
func TestTextIsPrintable(t *testing.T) {
	m := Message{Op: OpSetData, Record: &SetDataRequest{Path: "/\x1b[2J\n", Data: []byte("\r\n\x00\u202e")}}
	if got, want := m.String(), `setData path="/\x1b[2J\n" data="\r\n\x00\u202e"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
