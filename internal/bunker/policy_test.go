package bunker

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// Rows that were written before there were policies must keep their MACs.
func TestRowsFromBeforePoliciesKeepTheirMAC(t *testing.T) {
	g := &Grant{Tenant: "self", ID: "g", Connection: "c", Effect: Allow, Permissions: "all", GivenBy: "local", CreatedAt: 7, Version: 1}
	tok := &Token{Tenant: "self", ID: "t", Key: "k", Client: "app", Permissions: "all", MaxUses: 1, State: TokenOpen, CreatedAt: 7, Version: 1}
	for want, a := range map[string]Authority{
		"52272fdd7ef8bfc8": g,
		"bad16d8214794c1d": tok,
	} {
		sum := sha256.Sum256(MACMessage(a))
		if got := hex.EncodeToString(sum[:8]); got != want {
			t.Errorf("%T: %s, want %s", a, got, want)
		}
	}
	bare, bareTok := MACMessage(g), MACMessage(tok)
	g.Policy, tok.Policy = "p", "p"
	if string(MACMessage(g)) == string(bare) || string(MACMessage(tok)) == string(bareTok) {
		t.Error("the policy is not under the MAC")
	}
}

func TestAnOldVersionIsNoPolicy(t *testing.T) {
	p := Policy{Tenant: "self", ID: "p", Name: "newsroom", Version: 1}
	if string(MACMessage(&p)) == string(MACMessage(&PolicyVersion{p})) {
		t.Error("the MAC of an old version is good for a policy")
	}
}

func TestChargesCoverTheirWindow(t *testing.T) {
	c := Charge{From: 10, Until: 20}
	for now, want := range map[int64]bool{9: false, 10: true, 19: true, 20: false} {
		if c.Covers(now) != want {
			t.Errorf("at %d: %t", now, !want)
		}
	}
	if !(&Charge{}).Covers(1 << 60) {
		t.Error("what never ends has ended")
	}
}
