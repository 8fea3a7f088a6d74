package bunker

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"nsecbunker/nostr"
)

// TestRowsOfOlderStoresKeepTheirMAC: what was added to a row since is part of its MAC
// only where it is set. The digests are those of the first schema.
func TestRowsOfOlderStoresKeepTheirMAC(t *testing.T) {
	pub := nostr.PubKey{1, 2, 3}
	for name, x := range map[string]struct {
		row  Authority
		want string
	}{
		"tenant":     {&TenantState{Tenant: "self", SetUp: true, Default: Ask, Reviewed: true, RefuseBefore: 5, Incarnation: "i1", IncarnationNo: 2, Version: 3}, "294e2352a797932b"},
		"key":        {&UserKey{Tenant: "self", ID: "k1", Name: "herald", PubKey: pub, State: KeyActive, Locked: true, Default: Deny, CreatedAt: 7, Version: 4, Ciphertext: []byte{9}}, "e60942a2ddcbfd74"},
		"connection": {&Connection{Tenant: "self", ID: "c1", Key: "k1", Signer: pub, Client: pub, State: ConnSuspended, Name: "n", Person: "p", Relays: []string{"wss://a"}, ExpiresAt: 8, CreatedAt: 7, Version: 2}, "4244b046cbc579c4"},
		"admin":      {&Admin{Tenant: "self", PubKey: pub, Role: Owner, Name: "n", AddedBy: "local", ActiveAt: 5, CreatedAt: 4, Version: 1}, "2f724d4394f67a72"},
	} {
		d := sha256.Sum256(MACMessage(x.row))
		if got := hex.EncodeToString(d[:8]); got != x.want {
			t.Errorf("%s: the MAC is over %s, it was over %s", name, got, x.want)
		}
	}
}
