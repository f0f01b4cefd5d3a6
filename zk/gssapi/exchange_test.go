package gssapi

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	krb "github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/zkfs/zkfs/zk"
)

const (
	testRealm = "ZKFS.TEST"
	service   = "zookeeper/localhost"
)

// acceptor is the server's side of an exchange, with the keys of its service.
type acceptor struct {
	t    testing.TB
	keys *keytab.Keytab
	auth types.Authenticator // of the client's initial token
}

// newTicket returns a ticket of alice's for the service, as a KDC issues it, and the service.
func newTicket(t testing.TB, etype int32) (*ticket, *acceptor) {
	t.Helper()
	keys := keytab.New()
	if err := keys.AddEntry(service, testRealm, "servicepw", time.Now(), 1, etype); err != nil {
		t.Fatal(err)
	}
	alice := types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, "alice")
	end := time.Now().Add(time.Hour)
	tkt, key, err := messages.NewTicket(alice, testRealm, types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, service), testRealm,
		types.NewKrbFlags(), keys, etype, 1, time.Now(), time.Now(), end, end)
	if err != nil {
		t.Fatal(err)
	}
	return &ticket{Ticket: tkt, key: key, cname: alice, realm: testRealm, end: end}, &acceptor{t: t, keys: keys}
}

// accept verifies the initial token.
func (a *acceptor) accept(token []byte) {
	a.t.Helper()
	i := bytes.Index(token, apReqHead)
	if i < 0 || token[0] != 0x60 {
		a.t.Fatalf("frame of the initial token: %x", token[:min(20, len(token))])
	}
	var request messages.APReq
	if err := request.Unmarshal(token[i+len(apReqHead):]); err != nil {
		a.t.Fatal(err)
	}
	if ok, err := request.Verify(a.keys, time.Minute, types.HostAddress{}, nil); !ok {
		a.t.Fatal(err)
	}
	a.auth = request.Authenticator
	if sum := a.auth.Cksum; sum.CksumType != 0x8003 || !bytes.Equal(sum.Checksum, append(append([]byte{16, 0, 0, 0}, make([]byte, 16)...), 32, 0, 0, 0)) {
		a.t.Errorf("flags of the context: %+v", sum)
	}
}

// wrap returns a token of the acceptor, signed with key.
func (a *acceptor) wrap(key types.EncryptionKey, payload ...byte) krb.WrapToken {
	a.t.Helper()
	e, err := crypto.GetEtype(key.KeyType)
	if err != nil {
		a.t.Fatal(err)
	}
	w := krb.WrapToken{Flags: fromAcceptor, EC: uint16(e.GetHMACBitLength() / 8), SndSeqNum: 7, Payload: payload}
	if err := w.SetCheckSum(key, keyusage.GSSAPI_ACCEPTOR_SEAL); err != nil {
		a.t.Fatal(err)
	}
	return w
}

func (a *acceptor) marshal(w krb.WrapToken) []byte {
	a.t.Helper()
	b, err := w.Marshal()
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

// begin starts an exchange and has the acceptor see its initial token.
func begin(t testing.TB, tkt *ticket, a *acceptor) *exchange {
	t.Helper()
	x, err := newExchange(tkt)
	if err != nil {
		t.Fatal(err)
	}
	token, done, err := x.Next(nil)
	if done || err != nil {
		t.Fatalf("initial token: %t, %v", done, err)
	}
	a.accept(token)
	return x
}

func TestExchange(t *testing.T) {
	for _, etype := range []int32{
		etypeID.AES128_CTS_HMAC_SHA1_96, etypeID.AES256_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA256_128,
	} {
		tkt, a := newTicket(t, etype)
		x := begin(t, tkt, a)
		token, done, err := x.Next(a.marshal(a.wrap(a.auth.SubKey, 7, 0, 0xff, 0xff)))
		if done || err != nil {
			t.Fatalf("type %d: %t, %v", etype, done, err)
		}
		var choice krb.WrapToken
		if err := choice.Unmarshal(token, false); err != nil {
			t.Fatal(err)
		}
		if ok, err := choice.Verify(a.auth.SubKey, keyusage.GSSAPI_INITIATOR_SEAL); !ok {
			t.Errorf("type %d: choice: %v", etype, err)
		}
		if !bytes.Equal(choice.Payload, []byte{1, 0, 0, 0}) || choice.SndSeqNum != uint64(a.auth.SeqNumber) || choice.Flags != 0 {
			t.Errorf("type %d: choice %+v", etype, choice)
		}
		if token, done, err := x.Next(nil); token != nil || !done || err != nil {
			t.Errorf("type %d, in the end: %x, %t, %v", etype, token, done, err)
		}
		if _, done, err := x.Next(nil); done || err == nil {
			t.Errorf("type %d, after the end: %t, %v", etype, done, err)
		}
	}
}

func TestEveryExchangeHasItsOwnKey(t *testing.T) {
	tkt, a := newTicket(t, etypeID.AES256_CTS_HMAC_SHA1_96)
	begin(t, tkt, a)
	old := a.marshal(a.wrap(a.auth.SubKey, 1, 0, 0, 0))
	x := begin(t, tkt, a)
	if _, _, err := x.Next(old); !errors.Is(err, zk.ErrAuthFailed) {
		t.Errorf("the offer of an earlier connection: %v", err)
	}
}

func TestExchangeRefuses(t *testing.T) {
	tkt, a := newTicket(t, etypeID.AES256_CTS_HMAC_SHA1_96)
	for name, test := range map[string]struct {
		offer func() []byte
		want  string
	}{
		"nothing":           {func() []byte { return nil }, "another mechanism"},
		"other protocol":    {func() []byte { return []byte(`realm="zk-sasl-md5",nonce="n"`) }, "another mechanism"},
		"half a header":     {func() []byte { return a.marshal(a.wrap(a.auth.SubKey, 1, 0, 0, 0))[:10] }, "another mechanism"},
		"key of the ticket": {func() []byte { return a.marshal(a.wrap(tkt.key, 1, 0, 0, 0)) }, "prove"},
		"without checksum": {func() []byte {
			w := a.wrap(a.auth.SubKey, 1, 0, 0, 0)
			w.EC, w.CheckSum = 0, []byte{}
			return a.marshal(w)
		}, "prove"},
		"changed": {func() []byte {
			w := a.wrap(a.auth.SubKey, 6, 0, 0, 0)
			w.Payload = []byte{1, 0, 0, 0}
			return a.marshal(w)
		}, "prove"},
		"rotated": {func() []byte {
			w := a.wrap(a.auth.SubKey, 1, 0, 0, 0)
			w.RRC = 12
			return a.marshal(w)
		}, "rotation"},
		"sealed": {func() []byte {
			w := a.wrap(a.auth.SubKey, 1, 0, 0, 0)
			w.Flags |= 2
			return a.marshal(w)
		}, "flags"},
		"from the client": {func() []byte {
			w := a.wrap(a.auth.SubKey, 1, 0, 0, 0)
			w.Flags = 0
			return a.marshal(w)
		}, "acceptor"},
		"privacy only": {func() []byte { return a.marshal(a.wrap(a.auth.SubKey, 4, 0, 0xff, 0xff)) }, "insists"},
		"too short":    {func() []byte { return a.marshal(a.wrap(a.auth.SubKey, 1)) }, "insists"},
		"too long":     {func() []byte { return a.marshal(a.wrap(a.auth.SubKey, 1, 0, 0, 0, 0)) }, "insists"},
	} {
		x := begin(t, tkt, a)
		token, done, err := x.Next(test.offer())
		if token != nil || done || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %x, %t, error %v, want one with %q", name, token, done, err, test.want)
		}
		if _, done, err := x.Next(nil); done || err == nil {
			t.Errorf("%s: goes on: %t, %v", name, done, err)
		}
	}
}

func TestExchangeRefusesMoreAfterTheEnd(t *testing.T) {
	tkt, a := newTicket(t, etypeID.AES256_CTS_HMAC_SHA1_96)
	x := begin(t, tkt, a)
	if _, _, err := x.Next(a.marshal(a.wrap(a.auth.SubKey, 1, 0, 0, 0))); err != nil {
		t.Fatal(err)
	}
	if _, done, err := x.Next([]byte("more")); done || err == nil {
		t.Errorf("%t, %v", done, err)
	}
}

func TestOldEncryptionIsRefused(t *testing.T) {
	tkt, _ := newTicket(t, etypeID.RC4_HMAC)
	if _, err := newExchange(tkt); err == nil || !strings.Contains(err.Error(), "too old") {
		t.Error(err)
	}
}

// No token of a server makes the exchange panic, or succeed without the key.
func FuzzOffer(f *testing.F) {
	tkt, a := newTicket(f, etypeID.AES128_CTS_HMAC_SHA1_96)
	begin(f, tkt, a)
	f.Add(a.marshal(a.wrap(a.auth.SubKey, 1, 0, 0, 0)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, offer []byte) {
		x := begin(t, tkt, &acceptor{t: t, keys: a.keys})
		if token, done, err := x.Next(offer); token != nil || done || err == nil {
			t.Errorf("%x: %x, %t, %v", offer, token, done, err)
		}
	})
}
