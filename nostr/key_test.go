package nostr

import (
	"testing"

	"nsecbunker/internal/secret"
)

func arena(tb testing.TB) *secret.Arena {
	tb.Helper()
	a, err := secret.NewArena(64<<10, secret.Options{AllowSwap: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(a.Close)
	return a
}

func generate(tb testing.TB, a *secret.Arena) *SecretKey {
	tb.Helper()
	k, err := GenerateKey(a)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestSignedEventVerifiesAndSurvivesItsJSON(t *testing.T) {
	k := generate(t, arena(t))
	e := &Event{CreatedAt: 1700000000, Kind: 1, Tags: Tags{{"t", "x"}}, Content: "hé\n\u2028<&>\x01\"\\"}
	if err := k.Sign(e); err != nil {
		t.Fatal(err)
	}
	if err := e.Verify(); err != nil {
		t.Fatal(err)
	}
	again, err := ParseEvent(e.AppendJSON(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Verify(); err != nil {
		t.Fatal(err)
	}
}

func TestBothSidesOfECDHAgree(t *testing.T) {
	a := arena(t)
	k, l := generate(t, a), generate(t, a)
	var x, y [32]byte
	if err := k.ECDH(l.PubKey(), &x); err != nil {
		t.Fatal(err)
	}
	if err := l.ECDH(k.PubKey(), &y); err != nil {
		t.Fatal(err)
	}
	if x != y || x == ([32]byte{}) {
		t.Fatal("the two sides do not agree")
	}
}
