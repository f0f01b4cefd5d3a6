package gssapi

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	krb "github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/chksumtype"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/zkfs/zkfs/zk"
)

// exchange is the client's side of one connection (RFC 4752 section 3.1): the ticket with a fresh key inside, then the
// answer to the server's offer of security layers, then a look at its empty reply.
//
// Mutual authentication is not asked for: the server signs its offer with the fresh key, which only the owner of the
// ticket's secret can have read. That is the same proof with a round trip less, and nothing of
// the server is parsed before it has been verified.
type exchange struct {
	ticket *ticket
	auth   types.Authenticator
	step   int
}

func newExchange(t *ticket) (*exchange, error) {
	// The wrap tokens of RFC 4121 are those of the AES types. Older ones have another form.
	switch t.key.KeyType {
	case etypeID.AES128_CTS_HMAC_SHA1_96, etypeID.AES256_CTS_HMAC_SHA1_96,
		etypeID.AES128_CTS_HMAC_SHA256_128, etypeID.AES256_CTS_HMAC_SHA384_192:
	default:
		return nil, fmt.Errorf("GSSAPI: encryption type %d of the ticket is too old: an AES type is needed", t.key.KeyType)
	}
	auth, err := types.NewAuthenticator(t.realm, t.cname)
	if err != nil {
		return nil, fmt.Errorf("GSSAPI: %w", err)
	}
	auth.SubKey = types.EncryptionKey{KeyType: t.key.KeyType, KeyValue: make([]byte, len(t.key.KeyValue))}
	rand.Read(auth.SubKey.KeyValue)
	auth.Cksum = types.Checksum{CksumType: chksumtype.GSSAPI, Checksum: contextFlags(krb.ContextFlagInteg)}
	return &exchange{ticket: t, auth: auth}, nil
}

// contextFlags returns the checksum of an authenticator, which is none, but says how the client
// wants the context to be (RFC 4121 section 4.1.1): without channel bindings, and with these flags.
func contextFlags(flags uint32) []byte {
	b := make([]byte, 24)
	binary.LittleEndian.PutUint32(b, 16) // the length of the bindings that follow, all zero
	binary.LittleEndian.PutUint32(b[20:], flags)
	return b
}

func (x *exchange) Next(challenge []byte) (token []byte, done bool, err error) {
	switch x.step++; x.step {
	case 1:
		token, err = x.initial()
	case 2:
		token, err = x.choose(challenge)
	case 3: // the server's reply to the last token has none
		done = true
		if len(challenge) > 0 {
			err = errors.New("the server goes on after the end of the exchange")
		}
	default:
		err = errors.New("the exchange has ended")
	}
	if err != nil {
		x.step = 3
		return nil, false, fmt.Errorf("GSSAPI: %w", err)
	}
	return token, done, nil
}

// The frame of the initial token (RFC 4121 section 4.1): the object identifier of Kerberos 5, and what follows it.
var apReqHead = []byte("\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02" + "\x01\x00")

func (x *exchange) initial() ([]byte, error) {
	request, err := messages.NewAPReq(x.ticket.Ticket, x.ticket.key, x.auth)
	if err != nil {
		return nil, err
	}
	b, err := request.Marshal()
	if err != nil {
		return nil, err
	}
	return asn1tools.AddASNAppTag(append(apReqHead[:len(apReqHead):len(apReqHead)], b...), 0), nil
}

// noLayer is the bit of "no security layer" in the server's offer and the client's choice.
const noLayer = 1

// choose verifies the server's offer of security layers and chooses none.
func (x *exchange) choose(challenge []byte) ([]byte, error) {
	offer, err := x.unwrap(challenge)
	if err != nil {
		return nil, err
	}
	if len(offer) != 4 || offer[0]&noLayer == 0 {
		return nil, fmt.Errorf("the server insists on a security layer (offer %x)", offer)
	}
	return x.wrap([]byte{noLayer, 0, 0, 0}) // no buffer, and no other identity than the ticket's
}

// fromAcceptor is the only flag that a token of the server may have: it is not sealed, and under the client's key.
const fromAcceptor = 1

// unwrap returns what is in a token of the server.
func (x *exchange) unwrap(b []byte) ([]byte, error) {
	var w krb.WrapToken
	if err := w.Unmarshal(b, true); err != nil {
		return nil, fmt.Errorf("no token of Kerberos comes from the server, which may know another mechanism only: %w", err)
	}
	if w.Flags != fromAcceptor || w.RRC != 0 {
		return nil, fmt.Errorf("token with flags %#x and rotation %d, which were not agreed on", w.Flags, w.RRC)
	}
	if ok, _ := w.Verify(x.auth.SubKey, keyusage.GSSAPI_ACCEPTOR_SEAL); !ok {
		return nil, fmt.Errorf("%w: the server cannot prove who it is", zk.ErrAuthFailed)
	}
	return w.Payload, nil
}

// wrap returns a token, signed, for the server.
func (x *exchange) wrap(payload []byte) ([]byte, error) {
	e, err := crypto.GetEtype(x.auth.SubKey.KeyType)
	if err != nil {
		return nil, err
	}
	w := krb.WrapToken{EC: uint16(e.GetHMACBitLength() / 8), SndSeqNum: uint64(x.auth.SeqNumber), Payload: payload}
	if err := w.SetCheckSum(x.auth.SubKey, keyusage.GSSAPI_INITIATOR_SEAL); err != nil {
		return nil, err
	}
	return w.Marshal()
}
