package adminwire

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"

	"nsecbunker/nostr"
)

// Order (M5, E_c → B, to E_s) is what an admin's side sends in a session: a
// command, or, with number 0, a request for more parts of an answer.
type Order struct {
	SID SessionID
	N   int64
	// Ack is the last notice that was seen.
	Ack int64
	// Op names a change, so that it is made once however often it is ordered: 32
	// hexadecimal digits; "" for what changes nothing.
	Op string
	// IfVersion, of a change, is the version of what it changes, as that was looked at;
	// 0 where it does not matter.
	IfVersion int64
	Cmd       string
	Params    []byte // a JSON object; nil for none. Part of the message
	// Proof is A's signature over a dangerous command.
	Proof *nostr.Event
	// More asks for the parts of the answer More.Re from More.From on.
	More *More
}

// More names parts of an answer.
type More struct{ Re, From int64 }

// OpSize is the length of Op.
const OpSize = 32

// Append writes the message. The caller wipes it: it can hold secrets.
func (m *Order) Append() []byte {
	w := writer{b: append(make([]byte, 0, len(m.Params)+2048), '{')}
	w.hex("sid", m.SID[:])
	w.num("n", m.N)
	w.num("ack", m.Ack)
	if m.More != nil {
		d := writer{b: []byte{'{'}}
		d.num("re", m.More.Re)
		d.num("from", m.More.From)
		w.raw("more", d.end())
		return w.end()
	}
	w.some("op", m.Op)
	if m.IfVersion != 0 {
		w.num("if_version", m.IfVersion)
	}
	w.text("cmd", m.Cmd)
	if m.Params != nil {
		w.raw("params", m.Params)
	}
	if m.Proof != nil {
		w.raw("proof", m.Proof.AppendJSON(nil))
	}
	return w.end()
}

// ParseOrder reads what the bunker gets in a session. Params is a part of b.
func ParseOrder(b []byte) (m Order, err error) {
	o := parse(b)
	o.bytes("sid", m.SID[:], false)
	m.N, m.Ack = o.num("n"), o.num("ack")
	m.Op, m.Cmd = o.str("op", OpSize), o.str("cmd", MaxCommand)
	m.IfVersion = o.num("if_version")
	m.Params = o.raw("params")
	if raw := o.raw("proof"); raw != nil {
		if m.Proof, err = nostr.ParseEvent(raw); err != nil {
			return m, err
		}
	}
	if raw := o.raw("more"); raw != nil {
		d := parseObject(raw)
		m.More = &More{d.num("re"), d.num("from")}
		if err := d.end(); err != nil {
			return m, err
		}
	}
	switch {
	case m.Op != "" && (len(m.Op) != OpSize || !lowerHex([]byte(m.Op))):
		o.fail("op", "is not 32 lower-case hexadecimal digits")
	case (m.N == 0) != (m.More != nil):
		o.fail("n", "is from 1 on for a command, and 0 for more of an answer")
	case m.More == nil && m.Cmd == "":
		o.fail("cmd", "is missing")
	case m.More != nil && (m.Cmd != "" || m.Op != "" || m.IfVersion != 0 || m.Params != nil || m.Proof != nil):
		o.fail("more", "stands alone")
	}
	return m, o.end()
}

// Message is what the bunker sends in a session: exactly one of an answer (Re
// with Result or Error), a part of a long one (Re with Part), and a notice.
type Message struct {
	Re     int64
	Result []byte // JSON
	Error  *Refusal
	Part   *Part
	Notice *Notice
}

// Part is a piece of a long result: the bytes of its JSON, cut.
type Part struct {
	I, Of  int64
	Size   int64    // of the whole, in bytes
	SHA256 [32]byte // of the whole
	Data   []byte
}

// Notice says that something happened. N counts by one in each session: who
// misses one asks for a sync and reads anew what it shows.
type Notice struct {
	N    int64
	Type string
	Data []byte // a JSON object
}

// Append writes the message. The caller wipes it.
func (m *Message) Append() []byte {
	w := writer{b: append(make([]byte, 0, len(m.Result)+1024), '{')}
	switch {
	case m.Notice != nil:
		w.num("notice", m.Notice.N)
		w.text("type", m.Notice.Type)
		w.raw("data", m.Notice.Data)
	case m.Part != nil:
		w.num("re", m.Re)
		d := writer{b: append(make([]byte, 0, 2*PartSize), '{')}
		d.num("i", m.Part.I)
		d.num("of", m.Part.Of)
		d.num("size", m.Part.Size)
		d.hex("sha256", m.Part.SHA256[:])
		d.name("data")
		d.b = append(d.b, '"')
		d.b = base64.StdEncoding.AppendEncode(d.b, m.Part.Data)
		d.b = append(d.b, '"')
		w.raw("part", d.end())
	case m.Error != nil:
		w.num("re", m.Re)
		w.raw("error", m.Error.append())
	default:
		w.num("re", m.Re)
		w.raw("result", m.Result)
	}
	return w.end()
}

// ParseMessage reads what a client gets in a session.
func ParseMessage(b []byte) (m Message, err error) {
	o := parse(b)
	if _, ok := o.members["notice"]; ok {
		m.Notice = &Notice{N: o.num("notice"), Type: o.str("type", 64), Data: o.raw("data")}
		if m.Notice.N == 0 {
			o.fail("notice", "is from 1 on")
		}
		return m, o.end()
	}
	if m.Re = o.num("re"); m.Re == 0 {
		o.fail("re", "is from 1 on")
	}
	if raw := o.raw("part"); raw != nil {
		if m.Part, err = parsePart(raw); err != nil {
			return m, err
		}
		return m, o.end()
	}
	if raw := o.raw("error"); raw != nil {
		if m.Error, err = parseRefusal(raw); err != nil {
			return m, err
		}
		return m, o.end()
	}
	if m.Result = o.take("result"); m.Result == nil {
		m.Result = []byte("null")
	}
	return m, o.end()
}

func parsePart(raw []byte) (*Part, error) {
	d := parseObject(raw)
	p := &Part{I: d.num("i"), Of: d.num("of"), Size: d.num("size")}
	d.bytes("sha256", p.SHA256[:], false)
	data := d.str("data", MaxPlaintext)
	if err := d.end(); err != nil {
		return nil, err
	}
	var err error
	if p.Data, err = base64.StdEncoding.Strict().DecodeString(data); err != nil {
		return nil, errors.New("data is no base64")
	}
	want := (p.Size + PartSize - 1) / PartSize
	if p.Size > MaxAnswer || p.Of != want || p.I >= p.Of || len(p.Data) != int(min(PartSize, p.Size-p.I*PartSize)) {
		return nil, errors.New("the part does not fit the answer that it is of")
	}
	return p, nil
}

// Cut cuts a long result into parts.
func Cut(re int64, result []byte) []Message {
	sum := sha256.Sum256(result)
	of := (len(result) + PartSize - 1) / PartSize
	out := make([]Message, 0, of)
	for i := range of {
		out = append(out, Message{Re: re, Part: &Part{
			I: int64(i), Of: int64(of), Size: int64(len(result)), SHA256: sum,
			Data: result[i*PartSize : min(len(result), (i+1)*PartSize)],
		}})
	}
	return out
}

// Assembly puts the parts of one answer together. The zero value is empty.
type Assembly struct {
	of, size int64
	sum      [32]byte
	parts    [][]byte
	have     int64
}

// Add takes a part; parts of another answer are refused.
func (a *Assembly) Add(p *Part) error {
	if a.parts == nil {
		a.of, a.size, a.sum, a.parts = p.Of, p.Size, p.SHA256, make([][]byte, p.Of)
	}
	if p.Of != a.of || p.Size != a.size || p.SHA256 != a.sum {
		return errors.New("the part is of another answer")
	}
	if a.parts[p.I] == nil {
		a.parts[p.I] = p.Data
		a.have++
	}
	return nil
}

// Missing returns the first part that is not there; ok is false when all are.
func (a *Assembly) Missing() (i int64, ok bool) {
	for i, p := range a.parts {
		if p == nil {
			return int64(i), true
		}
	}
	return 0, false
}

// Behind reports whether the parts that were sent by themselves are all here and
// more are needed: the time to ask for them.
func (a *Assembly) Behind() bool { return a.have < a.of && a.have%PartsAhead == 0 }

// Result returns the whole, once it is there and is what its hash says.
func (a *Assembly) Result() (json.RawMessage, error) {
	whole := bytes.Join(a.parts, nil)
	if sha256.Sum256(whole) != a.sum {
		return nil, errors.New("the parts of the answer do not make the whole that was announced")
	}
	return whole, nil
}
