package zk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The examples of RFC 2831 section 4.
func TestDigestMD5Examples(t *testing.T) {
	for _, example := range []struct{ uri, cnonce, challenge, response, proof string }{
		{
			"imap/elwood.innosoft.com", "OA6MHXh6VqTrRk",
			`realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8`,
			`charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,cnonce="OA6MHXh6VqTrRk",` +
				`digest-uri="imap/elwood.innosoft.com",qop=auth,response=d388dad90d4bbd760a152321f2143af7`,
			"rspauth=ea40f60335c427b5527b84dbabcdfffd",
		},
		{
			"acap/elwood.innosoft.com", "OA9BSuZWMSpW8m",
			`realm="elwood.innosoft.com",nonce="OA9BSXrbuRhWay",qop="auth",algorithm=md5-sess,charset=utf-8`,
			`charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA9BSXrbuRhWay",nc=00000001,cnonce="OA9BSuZWMSpW8m",` +
				`digest-uri="acap/elwood.innosoft.com",qop=auth,response=6084c6db3fede7352c551284490fd0fc`,
			"rspauth=2f0b3d7c3c2e486600ef710726aa2eae",
		},
	} {
		x := &digestExchange{digestMD5: digestMD5{"chris", "secret"}, uri: example.uri, cnonce: example.cnonce}
		if token, done, err := x.Next(nil); len(token) != 0 || done || err != nil {
			t.Fatalf("initial token %q, %t, %v", token, done, err)
		}
		if token, done, err := x.Next([]byte(example.challenge)); string(token) != example.response || done || err != nil {
			t.Errorf("response %s, %t, %v\nwant %s", token, done, err, example.response)
		}
		if token, done, err := x.Next([]byte(example.proof)); token != nil || !done || err != nil {
			t.Errorf("in the end: %q, %t, %v", token, done, err)
		}
		if _, done, err := x.Next(nil); done || err == nil {
			t.Errorf("after the end: %t, %v", done, err)
		}
	}
}

func TestDigestMD5RefusesAServerWithoutThePassword(t *testing.T) {
	for _, proof := range []string{
		"", "rspauth=", "rspauth=ea40f60335c427b5527b84dbabcdfffe", `other=ea40f60335c427b5527b84dbabcdfffd`, `rspauth="ea40`,
		// What the client itself has sent proves nothing.
		"rspauth=d388dad90d4bbd760a152321f2143af7",
	} {
		x := &digestExchange{digestMD5: digestMD5{"chris", "secret"}, uri: "imap/elwood.innosoft.com", cnonce: "OA6MHXh6VqTrRk"}
		x.Next(nil)
		x.Next([]byte(`realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8`))
		if _, done, err := x.Next([]byte(proof)); done || !errors.Is(err, ErrAuthFailed) {
			t.Errorf("%q: done %t, error %v", proof, done, err)
		}
	}
}

func TestDigestMD5EndsWithAnError(t *testing.T) {
	x := &digestExchange{}
	x.Next(nil)
	for _, token := range []string{"malformed", "rspauth="} {
		if _, done, err := x.Next([]byte(token)); done || err == nil {
			t.Errorf("%q: done %t, error %v", token, done, err)
		}
	}
}

func TestDigestChallenge(t *testing.T) {
	for in, want := range map[string]digestChallenge{
		`nonce=n,algorithm=md5-sess`: {nonce: "n"},
		` , nonce = "a\"b\\c" ,, ALGORITHM=MD5-SESS,realm="x, y",realm=z,charset=UTF-8,unknown="",`:  {nonce: `a"b\c`, realm: "x, y", utf8: true},
		`nonce=n,algorithm=md5-sess,qop="auth-conf, auth",maxbuf=65536,cipher="rc4,3des",stale=true`: {nonce: "n"},
	} {
		if got, err := parseDigestChallenge([]byte(in)); err != nil || *got != want {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
	for in, want := range map[string]string{
		``:                      "no nonce",
		`algorithm=md5-sess`:    "no nonce",
		`nonce=n`:               "algorithm",
		`nonce=n,algorithm=md5`: "algorithm",
		`nonce=n,nonce=m`:       "two nonces",
		`nonce`:                 "malformed",
		`=n`:                    "malformed",
		`nonce="n`:              "closing quote",
		`nonce="n\`:             "closing quote",
		`nonce="n"m`:            "comma",
		"\x00\xff":              "malformed",
		`a b=c`:                 "malformed",
		`nonce=n,algorithm=md5-sess,qop="auth-int,auth-conf"`: "quality of protection",
	} {
		if got, err := parseDigestChallenge([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, error %v, want %q", in, got, err, want)
		}
	}
}

func TestHashedForm(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "bob": "bob", "p\u00e4ss": "p\xe4ss", "\u03a9-p\u00e4ss": "\xce\xa9-p\xc3\xa4ss", "\xff": "\xff",
	} {
		if got := hashedForm(in); string(got) != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	x := &digestExchange{digestMD5: digestMD5{"bob", "p\u00e4ss"}}
	if _, err := x.respond([]byte("nonce=n,algorithm=md5-sess")); !errors.Is(err, ErrAuthFailed) {
		t.Errorf("without a character set for it: %v", err)
	}
}

func TestDigestMD5HidesThePassword(t *testing.T) {
	m := DigestMD5("bob", "bobpw")
	for _, s := range []string{fmt.Sprint(m), fmt.Sprintf("%+v %#v %s %v", m, m, m, []any{m})} {
		if strings.Contains(s, "bobpw") || !strings.Contains(s, "bob") {
			t.Error(s)
		}
	}
}

// What a quote makes of a text is read back as the text.
func FuzzDirectives(f *testing.F) {
	for _, s := range []string{`nonce="a\"b",algorithm=md5-sess`, ` , a = "b" ,c=d`, `a="`, `a=\`, "\x00=,"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := parseDirectives(b)
		if err != nil {
			return
		}
		var again []string
		for _, d := range list {
			again = append(again, d.name+"="+quote(d.value))
		}
		if got, err := parseDirectives([]byte(strings.Join(again, ","))); err != nil || !slices.Equal(got, list) {
			t.Errorf("%q is %q, again: %q, %v", b, list, got, err)
		}
	})
}
