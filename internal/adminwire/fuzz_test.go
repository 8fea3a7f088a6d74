package adminwire

import (
	"bytes"
	"encoding/json"
	"testing"

	"nsecbunker/nostr"
)

func seeds(f *testing.F) {
	h := Hello{NC: Nonce{1}, Versions: []int64{1}}
	c := Challenge{NC: Nonce{1}, NB: Nonce{2}, Epoch: nostr.PubKey{3}, Now: 5, Relays: []string{"wss://relay.example.com"}}
	p := Proof{NC: Nonce{1}, NB: Nonce{2}, Versions: []int64{1}, Label: "x", Cert: &nostr.Event{Kind: Kind, Tags: nostr.Tags{{"p", "x"}}}}
	r := Ready{Role: "owner", State: "sealed", Code: "123456"}
	no := Ready{Refusal: &Refusal{Code: "restricted", Words: "not an admin here"}}
	o := Order{N: 1, Cmd: "key.list", Params: []byte(`{"a":[1,"\u00e9"]}`), Op: "00112233445566778899aabbccddeeff"}
	seen := Order{N: 2, Cmd: "key.rename", IfVersion: 7}
	life := Announcement{Said: SessionID{1}, Life: 3, Incarnation: "i1", Instance: "x1", At: 5, MAC: [32]byte{7}}
	more := Order{More: &More{Re: 1, From: 8}}
	for _, b := range [][]byte{h.Append(), c.Append(), p.Append(), r.Append(), no.Append(), o.Append(), seen.Append(), more.Append(), life.Append(), []byte(`{"a":1,"a":2}`), []byte(`{"a":"\ud800"}`), []byte(`{"a":1.5}`)} {
		f.Add(b)
	}
	for _, m := range append(Cut(7, bytes.Repeat([]byte("x"), PartSize+1)), Message{Re: 1, Result: []byte(`{"a":1}`)}, Message{Notice: &Notice{N: 1, Type: "x", Data: []byte("{}")}}, Message{Re: 2, Error: &Refusal{Code: "x"}}) {
		f.Add(m.Append())
	}
}

// FuzzMessages: what is read and written again is the same, and nothing that is
// read panics.
func FuzzMessages(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := ParseHello(b); err == nil {
			again, err := ParseHello(m.Append())
			same(t, err, m.Append(), again.Append())
		}
		if m, err := ParseChallenge(b); err == nil {
			again, err := ParseChallenge(m.Append())
			same(t, err, m.Append(), again.Append())
		}
		if m, err := ParseProof(b); err == nil {
			again, err := ParseProof(m.Append())
			same(t, err, m.Append(), again.Append())
		}
		if m, err := ParseReady(b); err == nil {
			again, err := ParseReady(m.Append())
			same(t, err, m.Append(), again.Append())
		}
		if m, err := ParseAnnouncement(b); err == nil {
			again, err := ParseAnnouncement(m.Append())
			same(t, err, m.Append(), again.Append())
		}
		if m, err := ParseMessage(b); err == nil {
			again, err := ParseMessage(m.Append())
			same(t, err, m.Append(), again.Append())
		}
	})
}

func FuzzOrder(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseOrder(b)
		if err != nil {
			return
		}
		again, err := ParseOrder(m.Append())
		same(t, err, m.Append(), again.Append())
		one, err := Canonical(m.Params)
		if err != nil {
			t.Fatalf("parameters that were read have no canonical form: %v", err)
		}
		two, err := Canonical(one)
		same(t, err, one, two)
		if !json.Valid(one) {
			t.Fatalf("the canonical form %q is no JSON", one)
		}
	})
}

func same(t *testing.T, err error, a, b []byte) {
	t.Helper()
	if err != nil || !bytes.Equal(a, b) {
		t.Fatalf("written and read again it is another: %v\n%q\n%q", err, a, b)
	}
}

func FuzzConnectionString(f *testing.F) {
	for _, s := range []string{
		"bunker-admin://761d2df481901d34c5175c746f621173519e10a84698d2a03bbdf802ad94b99a?relay=ws%3A%2F%2F127.0.0.1%3A46365&relay=wss://a.example",
		"bunker-admin://761d2df481901d34c5175c746f621173519e10a84698d2a03bbdf802ad94b99a?relay=wss://a.example#pair=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"bunker://npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg@relay.nsecbunker.com;nos.lol",
		"bunker://npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg?relay=wss://relay.nsecbunker.com",
		"bunker-admin://761d2df481901d34c5175c746f621173519e10a84698d2a03bbdf802ad94b99a?relay=wss://a.example#invite=i2.abc",
		"npub1xxx", "bunker://761d", "nostrconnect://x", "nsec1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseConnectionString(s)
		if err != nil {
			return
		}
		again, err := ParseConnectionString(c.String())
		if err != nil || again.String() != c.String() {
			t.Fatalf("written and read again it is another: %v\n%s\n%s", err, c.String(), again.String())
		}
	})
}
