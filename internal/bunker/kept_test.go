package bunker

import (
	"bytes"
	"testing"

	"nsecbunker/nostr"
)

// A key's row of before there was a guard keeps its MAC, and no change of what the
// guard does goes unnoticed.
func TestTheGuardsFieldsAreInTheMACAndOldRowsKeepTheirs(t *testing.T) {
	k := UserKey{Tenant: "t", ID: "k", Name: "herald", PubKey: nostr.PubKey{1}, State: KeyActive, Default: Ask, CreatedAt: 5, Ciphertext: []byte("c")}
	var old canon
	old.str(k.Name)
	old.bytes(k.PubKey[:])
	old.str(string(k.State))
	for _, f := range []bool{k.Locked, k.NoExport, k.OwnPassphrase, k.NpubLogin, k.AdminHere} {
		old.flag(f)
	}
	old.num(int64(k.Default))
	old.num(k.DeleteAt)
	old.num(k.CreatedAt)
	old.bytes(k.Ciphertext)
	if !bytes.Equal(k.Canonical(), old.b) {
		t.Error("a key as it was made before has another canonical form now")
	}
	seen := map[string]bool{}
	for _, share := range []int64{-1, 0, 1, 50} {
		for _, base := range []Baseline{BaselineEmpty, BaselineUnknown, BaselineFetched} {
			k.GuardShare, k.Baseline = share, base
			if c := string(k.Canonical()); seen[c] {
				t.Errorf("share %d, baseline %d has the form of another", share, base)
			} else {
				seen[c] = true
			}
		}
	}
}
