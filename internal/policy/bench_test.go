package policy

import (
	"fmt"
	"syscall"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// thousand is a policy of 1,000 rules such as large ones have: kinds and ranges
// with tags, hours, lengths, words and patterns, peers; a tenth speaks of everything.
func thousand() *bunker.Policy {
	p := thePolicy()
	p.Zone = "Europe/Paris"
	for i := range 1000 {
		r := bunker.Rule{ID: fmt.Sprintf("r%03d", i), Effect: []bunker.Effect{bunker.Allow, bunker.Ask, bunker.Allow, bunker.Deny}[i%4]}
		switch i % 10 {
		case 0: // of everything, at another time
			r.ExpiresAt = 1
		case 1:
			r.Kinds, r.Tags = only(nostr.Kind(30000+i)), []bunker.TagMatch{{Name: "d", Values: []string{fmt.Sprint(i)}}}
		case 2:
			r.Kinds, r.Hours = span(10000, 39999), []bunker.Hours{{Days: []bunker.Weekday{"mon"}, From: 60, To: 120}}
		case 3:
			r.Methods, r.Peers = []string{"nip44_encrypt"}, []nostr.PubKey{{byte(i), byte(i >> 8)}}
		case 4:
			r.Kinds, r.Content = only(1), &bunker.ContentMatch{MinLength: 5000}
		case 5:
			r.Kinds, r.Content = only(1), &bunker.ContentMatch{Words: []string{fmt.Sprintf("word%d", i)}}
			if i > 50 {
				r.Kinds = only(nostr.Kind(2000 + i))
			}
		case 6:
			r.Rights, r.Relays = []string{"everything"}, []string{"wss://elsewhere.example"}
		case 7:
			r.Kinds = only(nostr.Kind(40000 + i))
		case 8:
			r.Kinds, r.MaxSkew = span(0, 65535), 1
		case 9:
			r.Rights, r.Results = []string{"direct-messages"}, []bunker.DecryptResult{bunker.ResultDM}
		}
		p.Rules = append(p.Rules, r)
	}
	return p
}

// BenchmarkDecide decides one request under 1,000 rules: what the signer does for
// each, Needs and Decide.
func BenchmarkDecide(b *testing.B) {
	in := with(under(b, thousand()), event(1, "a note of some length, with several words in it"))
	in.Now += 30_000 // the rules that want the very second do not fit
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		Needs(in)
		if d := Decide(in); d.Effect == bunker.Deny && d.Rule == "none" {
			b.Fatal(d)
		}
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
}

// cpu is the processor time of this process in ns: on a busy machine it says more
// than the clock does.
func cpu(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkDecideAllWide is the worst: no rule can be left out by kind.
func BenchmarkDecideAllWide(b *testing.B) {
	p := thePolicy()
	for i := range 1000 {
		p.Rules = append(p.Rules, bunker.Rule{ID: fmt.Sprintf("r%03d", i), Effect: bunker.Allow, Kinds: span(0, 9999),
			Tags: []bunker.TagMatch{{Name: "d", Values: []string{fmt.Sprint(i)}}}})
	}
	in := with(under(b, p), event(1, "a note", nostr.Tag{"p", "x"}, nostr.Tag{"e", "y"}))
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		Needs(in)
		Decide(in)
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
}

func BenchmarkCompile(b *testing.B) {
	p := thousand()
	for b.Loop() {
		if _, err := Compile(p); err != nil {
			b.Fatal(err)
		}
	}
}
