package nostr

import (
	"math/rand/v2"
	"testing"
)

// Against the definition, with every byte at every place among all neighbours
// that could disturb it.
func TestPlainStopsWhereItMust(t *testing.T) {
	slow := func(s string, i int) (int, bool) {
		wide := false
		for ; i < len(s) && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\'; i++ {
			wide = wide || s[i] >= 0x80
		}
		return i, wide
	}
	check := func(b []byte) {
		for i := range b {
			end, wide := plain(string(b), i)
			if wantEnd, wantWide := slow(string(b), i); end != wantEnd || wide != wantWide {
				t.Fatalf("%q from %d: %d %v, want %d %v", b, i, end, wide, wantEnd, wantWide)
			}
		}
	}
	fillers := []byte{0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0x9f, 0xa0, 0xa2, 0xdc, 0xff, 'a'}
	for c := range 256 {
		for at := range 19 {
			for _, fill := range fillers {
				b := make([]byte, 19)
				for i := range b {
					b[i] = fill
				}
				b[at] = byte(c)
				check(b)
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		b := make([]byte, r.IntN(40))
		for i := range b {
			if b[i] = fillers[r.IntN(len(fillers))]; r.IntN(12) == 0 {
				b[i] = byte(r.IntN(256))
			}
		}
		check(b)
	}
}
