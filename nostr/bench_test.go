package nostr

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// ordinary is an event as most are: a note of 180 characters, three tags.
func ordinary(b *testing.B) *Event {
	b.Helper()
	e := &Event{CreatedAt: 1700000000, Kind: 1,
		Tags:    Tags{{"e", strings.Repeat("ab", 32), "wss://relay.example.com", "root"}, {"p", strings.Repeat("cd", 32)}, {"t", "nostr"}},
		Content: strings.Repeat("Good morning, here are some words. ", 5) + "\nbye"}
	if err := generate(b, arena(b)).Sign(e); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	return e
}

func BenchmarkParseEvent(b *testing.B) {
	text := ordinary(b).AppendJSON(nil)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := ParseEvent(text); err != nil {
			b.Fatal(err)
		}
	}
}

// What it is compared with.
func BenchmarkParseWithEncodingJSON(b *testing.B) {
	text := ordinary(b).AppendJSON(nil)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		var e stdEvent
		if err := json.Unmarshal(text, &e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseLongFollowList(b *testing.B) {
	e := ordinary(b)
	e.Tags = nil
	for range 2000 {
		e.Tags = append(e.Tags, Tag{"p", strings.Repeat("cd", 32)})
	}
	text := e.AppendJSON(nil)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := ParseEvent(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseEscapes(b *testing.B) {
	e := ordinary(b)
	e.Content = strings.Repeat("{\"a\":\"b\"}\n", 100)
	text := e.AppendJSON(nil)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := ParseEvent(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	e := ordinary(b)
	var buf []byte
	for b.Loop() {
		buf = e.AppendJSON(buf[:0])
	}
	if !bytes.HasPrefix(buf, []byte("{")) {
		b.Fatal(string(buf))
	}
}

func BenchmarkComputeID(b *testing.B) {
	e := ordinary(b)
	for b.Loop() {
		if e.ComputeID() != e.ID {
			b.Fatal("another id")
		}
	}
}

func BenchmarkSignEvent(b *testing.B) {
	e, k := ordinary(b), generate(b, arena(b))
	for b.Loop() {
		if err := k.Sign(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyEvent(b *testing.B) {
	e := ordinary(b)
	for b.Loop() {
		if err := e.Verify(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKeyECDH(b *testing.B) {
	a := arena(b)
	k, peer := generate(b, a), generate(b, a).PubKey()
	var out [32]byte
	b.ReportAllocs()
	for b.Loop() {
		if err := k.ECDH(peer, &out); err != nil {
			b.Fatal(err)
		}
	}
}

// A signature of a key that is known by its last one.
func BenchmarkVerifyKnown(b *testing.B) {
	e, l := ordinary(b), NewLifted()
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Verify(e); err != nil {
			b.Fatal(err)
		}
	}
}
