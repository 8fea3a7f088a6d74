package adminwire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
)

var update = flag.Bool("update", false, "make the vectors anew")

const vectorsFile = "testdata/vectors.json"

// vectors are one whole session, with every key, for other programs that speak
// the protocol (docs/admin-protocol.md, Vectors).
type vectors struct {
	About     string            `json:"about"`
	Keys      map[string]string `json:"keys"`   // secret keys, hex
	Pubs      map[string]string `json:"pubs"`   // their public keys
	Nonces    map[string]string `json:"nonces"` // nc, nb, epoch_secret, pairing_secret, sid
	Versions  []int64           `json:"versions"`
	H         string            `json:"h"`
	H2        string            `json:"h2"`
	H2Device  string            `json:"h2_without_certificate"`
	Code      string            `json:"code"`
	DeviceID  string            `json:"device_id"`
	Pairing   string            `json:"pairing"` // the proof of the pairing secret
	Messages  []vectorMessage   `json:"messages"`
	Canonical [][2]string       `json:"canonical"` // parameters, and their one spelling
	Command   vectorCommand     `json:"command"`
	Refused   []vectorRefused   `json:"refused"`
	Strings   []vectorString    `json:"connection_strings"`
}

type vectorMessage struct {
	Name    string `json:"name"`
	From    string `json:"from"` // whose keys the payload is between: names of Keys
	To      string `json:"to"`
	Signer  string `json:"signer"` // of the outer event
	Plain   string `json:"plain"`
	Payload string `json:"payload"` // NIP-44
}

type vectorCommand struct {
	N      int64       `json:"n"`
	Op     string      `json:"op"`
	Name   string      `json:"name"`
	Params string      `json:"params"`
	Hash   string      `json:"hash"`
	Event  nostr.Event `json:"event"`
}

type vectorRefused struct {
	Message string `json:"message"` // what it is read as
	Plain   string `json:"plain"`
	Why     string `json:"why"`
}

type vectorString struct {
	Text   string   `json:"text"`
	Bunker string   `json:"bunker,omitempty"` // absent: refused
	Relays []string `json:"relays,omitempty"`
	Pair   string   `json:"pairing,omitempty"`
	Invite string   `json:"invite,omitempty"`
}

func fixed(label string) (b [32]byte) {
	copy(b[:], bytes.Repeat([]byte(label), 32))
	b[0] = 1 // below the order of the curve
	return b
}

func bytesOf(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testArena(t *testing.T) *secret.Arena {
	t.Helper()
	a, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

func secretKey(t *testing.T, a *secret.Arena, raw []byte) *nostr.SecretKey {
	t.Helper()
	k, err := nostr.NewSecretKey(a, bytes.Clone(raw))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// session is what the vectors are about, built of the keys.
type sessionOf struct {
	hs   Handshake
	dev  DeviceKey
	pub  DevicePub
	sid  SessionID
	keys map[string]*nostr.SecretKey
}

func sessionOfVectors(t *testing.T, v *vectors) *sessionOf {
	t.Helper()
	a := testArena(t)
	s := &sessionOf{keys: map[string]*nostr.SecretKey{}}
	for _, name := range []string{"B", "A", "E_c", "E_b", "E_s"} {
		s.keys[name] = secretKey(t, a, bytesOf(t, v.Keys[name]))
	}
	var err error
	if s.dev, err = ParseDeviceKey(bytesOf(t, v.Keys["D"])); err != nil {
		t.Fatal(err)
	}
	if s.pub, err = s.dev.Pub(); err != nil {
		t.Fatal(err)
	}
	s.hs = Handshake{Bunker: s.keys["B"].PubKey(), Client: s.keys["E_c"].PubKey(), Epoch: s.keys["E_b"].PubKey(), Versions: v.Versions}
	copy(s.hs.NC[:], bytesOf(t, v.Nonces["nc"]))
	s.hs.NB = NB(bytesOf(t, v.Nonces["epoch_secret"]), s.hs.Client, s.hs.NC)
	copy(s.sid[:], bytesOf(t, v.Nonces["sid"]))
	return s
}

func makeVectors(t *testing.T) *vectors {
	v := &vectors{
		About: "One session of the nsecBunker admin protocol, version 1. Made by: go test ./internal/adminwire -run Vectors -update. Signatures and payloads are random, so they are to be verified and opened, not made again.",
		Keys:  map[string]string{}, Pubs: map[string]string{}, Nonces: map[string]string{}, Versions: []int64{1},
	}
	for _, name := range []string{"B", "A", "E_c", "E_b", "E_s", "D"} {
		b := fixed(name)
		v.Keys[name] = hex.EncodeToString(b[:])
	}
	for _, name := range []string{"nc", "epoch_secret", "pairing_secret"} {
		b := fixed(name)
		v.Nonces[name] = hex.EncodeToString(b[:])
	}
	v.Nonces["sid"] = "00112233445566778899aabbccddeeff"
	s := sessionOfVectors(t, v)
	for name, k := range s.keys {
		v.Pubs[name] = k.PubKey().String()
	}
	v.Pubs["D"] = hex.EncodeToString(s.pub[:])
	v.Nonces["nb"] = hex.EncodeToString(s.hs.NB[:])
	h := s.hs.H()
	id := s.pub.ID()
	pair := Pairing(bytesOf(t, v.Nonces["pairing_secret"]), h)
	v.H, v.DeviceID, v.Pairing = h.String(), id.String(), pair.String()

	cert := Certificate(&s.hs, "https://admin.example.com", 1_795_000_000).Event(s.keys["A"].PubKey())
	if err := s.keys["A"].Sign(cert); err != nil {
		t.Fatal(err)
	}
	apub := s.keys["A"].PubKey()
	h2 := H2(h, apub[:], cert.ID, s.keys["E_s"].PubKey(), s.sid)
	v.H2, v.Code = h2.String(), Code(h2)
	v.H2Device = H2(h, id[:], nostr.ID{}, s.keys["E_s"].PubKey(), s.sid).String()
	sig, err := s.dev.Sign(h)
	if err != nil {
		t.Fatal(err)
	}
	add := func(name, from, to, signer string, plain []byte) {
		var key [32]byte
		if err := nip44.ConversationKey(s.keys[from], s.keys[to].PubKey(), &key); err != nil {
			t.Fatal(err)
		}
		payload, err := nip44.Encrypt(&key, plain)
		if err != nil {
			t.Fatal(err)
		}
		v.Messages = append(v.Messages, vectorMessage{name, from, to, signer, string(plain), payload})
	}
	op := "000102030405060708090a0b0c0d0e0f"
	add("M1 hello", "E_c", "B", "E_c", (&Hello{NC: s.hs.NC, Versions: v.Versions}).Append())
	add("M2 challenge", "B", "E_c", "B", (&Challenge{NC: s.hs.NC, NB: s.hs.NB, Epoch: s.hs.Epoch, Now: 1_795_000_000, Relays: []string{"wss://relay.example.com"}}).Append())
	proof := Proof{NC: s.hs.NC, NB: s.hs.NB, Epoch: s.hs.Epoch, Versions: v.Versions, Cert: cert, Device: s.pub, Sig: sig, Label: "Firefox on a laptop"}
	add("M3 proof with a certificate", "E_c", "E_b", "E_c", proof.Append())
	proof.Cert = nil
	add("M3 proof of a device that comes back", "E_c", "E_b", "E_c", proof.Append())
	proof.Pair = &pair
	add("M3 proof of a pairing", "E_c", "E_b", "E_c", proof.Append())
	add("M4 ready", "E_b", "E_c", "B", (&Ready{
		SID: s.sid, Session: s.keys["E_s"].PubKey(), H2: h2, Role: "none", State: "unsealed", Code: v.Code, Idle: 1800, Until: 1_795_043_200,
	}).Append())
	add("M4 refused", "E_b", "E_c", "B", (&Ready{Refusal: &Refusal{Code: "restricted", Words: "not an admin here"}}).Append())
	add("M5 command", "E_c", "E_s", "E_c", (&Order{SID: s.sid, N: 1, Op: op, Cmd: "key.add", Params: []byte(`{"name":"herald"}`)}).Append())
	add("M5 command about a version", "E_c", "E_s", "E_c", (&Order{SID: s.sid, N: 2, Op: op, IfVersion: 3, Cmd: "policy.delete", Params: []byte(`{"policy":"notes"}`)}).Append())
	add("M5 answer", "E_s", "E_c", "E_s", (&Message{Re: 1, Result: []byte(`{"key":{"name":"herald"}}`)}).Append())
	add("M5 refusal", "E_s", "E_c", "E_s", (&Message{Re: 2, Error: &Refusal{Code: "restricted", Words: "key.add needs the role operator; yours is viewer"}}).Append())
	add("M5 part", "E_s", "E_c", "E_s", must(Cut(3, bytes.Repeat([]byte("abc"), PartSize/2))).Append())
	add("M5 more", "E_c", "E_s", "E_c", (&Order{SID: s.sid, Ack: 2, More: &More{Re: 3, From: 1}}).Append())
	add("M5 notice", "E_s", "E_c", "E_s", (&Message{Notice: &Notice{N: 1, Type: "question", Data: []byte(`{"id":"q7k2m9ac","key":"k2","noun":"approval"}`)}}).Append())

	for _, p := range []string{
		``, `{}`, "{ \"b\" : 1,\n\"a\":[true,null,-7] }", `{"b":{"z":1,"a":2},"a":"\u00e9\/\u0041"}`, `{"é":1,"z":2,"\ud83d\ude00":3,"\ufb33":4}`,
		`{"t":"\u0000\b\t\n\f\r\u001f\u007f\u2028\"\\"}`,
	} {
		b, err := Canonical([]byte(p))
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		v.Canonical = append(v.Canonical, [2]string{p, string(b)})
	}
	v.Command = vectorCommand{N: 7, Op: op, Name: "key.export", Params: `{"password": "a pässword", "key":"herald"}`}
	signed := s.signed(v, h2)
	tmpl, err := signed.Template(1_795_000_100)
	if err != nil {
		t.Fatal(err)
	}
	v.Command.Hash = tmpl.Tags[2][1]
	ev := tmpl.Event(apub)
	if err := s.keys["A"].Sign(ev); err != nil {
		t.Fatal(err)
	}
	v.Command.Event = *ev
	v.Refused = refusedVectors(s)
	v.Strings = stringVectors(s)
	return v
}

func must(list []Message) *Message { return &list[0] }

func (s *sessionOf) signed(v *vectors, h2 Hash) *Signed {
	c := &v.Command
	return &Signed{Bunker: s.hs.Bunker, Session: s.hs.Client, H2: h2, N: c.N, Op: c.Op, Name: c.Name, Params: []byte(c.Params)}
}

func refusedVectors(s *sessionOf) []vectorRefused {
	hello := string((&Hello{NC: s.hs.NC, Versions: []int64{1}}).Append())
	order := string((&Order{SID: s.sid, N: 1, Cmd: "status"}).Append())
	swap := strings.Replace
	return []vectorRefused{
		{"hello", swap(hello, `{"v":1`, `{"v":1,"v":1`, 1), "a field twice"},
		{"hello", swap(hello, `"v":1`, `"v":2`, 1), "another version"},
		{"hello", swap(hello, `[1]`, `[2]`, 1), "no version that is spoken"},
		{"hello", swap(hello, `[1]`, `[1.0]`, 1), "a number that is not whole"},
		{"hello", swap(hello, `"type":"hello"`, `"type":"hello","x":0`, 1), "a field that the protocol does not have"},
		{"hello", hello + "x", "more than an object"},
		{"hello", swap(hello, "6e", "6E", 1), "upper-case hexadecimal"},
		{"order", swap(order, `"status"`, `"\ud800"`, 1), "a lone surrogate"},
		{"order", swap(order, `"n":1`, `"n":0`, 1), "no number"},
		{"order", swap(order, `"n":1`, `"n":-1`, 1), "a negative number"},
		{"order", swap(order, `"n":1`, `"n":9007199254740992`, 1), "a number that not every reader keeps"},
		{"order", swap(order, `"cmd"`, `"op":"ABC","cmd"`, 1), "an op that is none"},
		{"order", swap(order, `"status"`, `"status","params":[]`, 1), "parameters that are no object"},
		{"order", swap(order, `"cmd"`, `"if_version":"3","cmd"`, 1), "a version that is no number"},
		{"message", `{"re":0,"result":1}`, "no number"},
		{"message", `{"re":1,"result":1,"error":{"code":"x","words":""}}`, "result and error"},
		{"message", `{"notice":0,"type":"x","data":{}}`, "a notice without a number"},
		{"message", `{"re":1,"part":{"i":1,"of":1,"size":3,"sha256":"` + strings.Repeat("00", 32) + `","data":"YWJj"}}`, "a part beyond the whole"},
		{"message", `{"re":1,"part":{"i":0,"of":1,"size":4,"sha256":"` + strings.Repeat("00", 32) + `","data":"YWJj"}}`, "a part that is too short"},
	}
}

func stringVectors(s *sessionOf) []vectorString {
	b := s.hs.Bunker.String()
	pair := ConnectionString{Bunker: s.hs.Bunker, Relays: []string{"wss://a.example"}, Pairing: bytes.Repeat([]byte{7}, 32)}
	return []vectorString{
		{Text: "bunker-admin://" + b + "?relay=wss%3A%2F%2Fa.example&relay=wss://b.example/", Bunker: b, Relays: []string{"wss://a.example", "wss://b.example"}},
		{Text: pair.String(), Bunker: b, Relays: []string{"wss://a.example"}, Pair: hex.EncodeToString(pair.Pairing)},
		{Text: "bunker://npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg@relay.nsecbunker.com;wss://nos.lol",
			Bunker: "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e", Relays: []string{"wss://relay.nsecbunker.com", "wss://nos.lol"}},
		{Text: "bunker-admin://" + b + "?relay=wss://a.example#invite=i2abc.secret%2B1", Bunker: b, Relays: []string{"wss://a.example"}, Invite: "i2abc.secret+1"},
		{Text: "bunker://" + b + "?relay=wss://a.example&secret=x"},
		{Text: "nostrconnect://" + b + "?relay=wss://a.example&secret=x"},
		{Text: "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"},
		{Text: "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"},
		{Text: "bunker-admin://" + b},
		{Text: "bunker-admin://" + b[:60] + "?relay=wss://a.example"},
		{Text: "bunker-admin://" + b + "?relay=http://a.example"},
		{Text: "bunker-admin://" + b + "?relay=wss://a.example#pair=short"},
		{Text: "bunker-admin://" + b + "?relay=wss://a.example&secret=x"},
	}
}

// TestVectors: the committed session is what this package says and reads.
func TestVectors(t *testing.T) {
	if *update {
		b, err := json.MarshalIndent(makeVectors(t), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorsFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	s := sessionOfVectors(t, &v)
	h := s.hs.H()
	apub := s.keys["A"].PubKey()
	id := s.pub.ID()
	if h.String() != v.H || hex.EncodeToString(s.hs.NB[:]) != v.Nonces["nb"] || id.String() != v.DeviceID {
		t.Fatal("h, nb or the device's id is another")
	}
	if Pairing(bytesOf(t, v.Nonces["pairing_secret"]), h).String() != v.Pairing {
		t.Error("the pairing is another")
	}
	for _, m := range v.Messages {
		var key [32]byte
		// Both ends open it.
		if err := nip44.ConversationKey(s.keys[m.To], s.keys[m.From].PubKey(), &key); err != nil {
			t.Fatal(err)
		}
		plain, _, err := nip44.Decrypt(&key, m.Payload)
		if err != nil || string(plain) != m.Plain {
			t.Fatalf("%s does not open: %v", m.Name, err)
		}
		checkMessage(t, &v, s, m, plain)
	}
	for _, c := range v.Canonical {
		if got, err := Canonical([]byte(c[0])); err != nil || string(got) != c[1] {
			t.Errorf("%s: got %s, %v", c[0], got, err)
		}
	}
	var h2 Hash
	copy(h2[:], bytesOf(t, v.H2))
	if !s.signed(&v, h2).Check(apub, &v.Command.Event) {
		t.Error("the command's signature is not good")
	}
	for _, r := range v.Refused {
		if err := readAs(r.Message, []byte(r.Plain)); err == nil {
			t.Errorf("not refused: %s (%s)", r.Plain, r.Why)
		}
	}
	for _, c := range v.Strings {
		got, err := ParseConnectionString(c.Text)
		if (err == nil) != (c.Bunker != "") {
			t.Errorf("%s: %v", c.Text, err)
			continue
		}
		if err == nil && (got.Bunker.String() != c.Bunker || strings.Join(got.Relays, " ") != strings.Join(c.Relays, " ") || hex.EncodeToString(got.Pairing) != c.Pair || got.Invite != c.Invite) {
			t.Errorf("%s: got %v", c.Text, got)
		}
		if err != nil && strings.Contains(err.Error(), "nsec1v") {
			t.Error("the error repeats a secret key")
		}
	}
}

// checkMessage holds what a message says against what both sides compute.
func checkMessage(t *testing.T, v *vectors, s *sessionOf, m vectorMessage, plain []byte) {
	t.Helper()
	h := s.hs.H()
	apub := s.keys["A"].PubKey()
	kind := strings.Fields(m.Name)[0] + " " + strings.Fields(m.Name)[1]
	switch kind {
	case "M3 proof":
		p, err := ParseProof(plain)
		if err != nil || !p.Device.Verify(h, p.Sig) {
			t.Fatalf("%s: %v", m.Name, err)
		}
		if p.Cert != nil {
			who, err := CheckCertificate(&s.hs, p.Cert)
			if err != nil || who != apub {
				t.Fatalf("%s: %v", m.Name, err)
			}
			h2 := H2(h, apub[:], p.Cert.ID, s.keys["E_s"].PubKey(), s.sid)
			if h2.String() != v.H2 || Code(h2) != v.Code {
				t.Error("h2 or the code is another")
			}
		}
		if p.Pair != nil && p.Pair.String() != v.Pairing {
			t.Errorf("%s: another pairing", m.Name)
		}
	case "M4 ready":
		r, err := ParseReady(plain)
		if err != nil || r.H2.String() != v.H2 || r.Code != v.Code || r.SID != s.sid {
			t.Errorf("%s: %+v %v", m.Name, r, err)
		}
	default:
		as := map[string]string{"M1 hello": "hello", "M2 challenge": "challenge", "M4 refused": "ready", "M5 command": "order", "M5 more": "order"}[kind]
		if as == "" {
			as = "message"
		}
		if err := readAs(as, plain); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}

func readAs(kind string, b []byte) (err error) {
	switch kind {
	case "hello":
		_, err = ParseHello(b)
	case "challenge":
		_, err = ParseChallenge(b)
	case "ready":
		_, err = ParseReady(b)
	case "order":
		_, err = ParseOrder(b)
	default:
		_, err = ParseMessage(b)
	}
	return err
}

func TestAssemblyTakesNoPartOfAnotherAnswer(t *testing.T) {
	one, other := Cut(1, bytes.Repeat([]byte("a"), 3*PartSize)), Cut(1, bytes.Repeat([]byte("b"), 3*PartSize))
	var a Assembly
	for _, m := range one[:2] {
		if err := a.Add(m.Part); err != nil {
			t.Fatal(err)
		}
	}
	if a.Add(other[2].Part) == nil {
		t.Error("it took a part of another answer")
	}
	bad := *one[2].Part
	bad.Data = bytes.Repeat([]byte("c"), PartSize)
	if err := a.Add(&bad); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Result(); err == nil {
		t.Error("it took a part that does not make the whole")
	}
}
