package vault

import (
	"errors"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

func TestAVersionIsBoundToEverythingThatItsRowSays(t *testing.T) {
	v := newVault(t)
	k := bunker.KeptVersion{
		Tenant: self, Key: "k", Kind: 3, Address: bunker.Address{1}, Seq: 4, CreatedAt: 5, EventID: nostr.ID{6}, Source: bunker.KeptSigned,
		Connection: "c", KeptAt: 7,
	}
	var err error
	k.Sealed, err = v.SealVersion(&k, []byte(`{"kind":3}`))
	must(t, err)
	got, err := v.OpenVersion(&k)
	must(t, err)
	if string(got) != `{"kind":3}` {
		t.Fatalf("got %q", got)
	}
	for what, edit := range map[string]func(*bunker.KeptVersion){
		"key": func(k *bunker.KeptVersion) { k.Key = "l" }, "kind": func(k *bunker.KeptVersion) { k.Kind = 0 },
		"address": func(k *bunker.KeptVersion) { k.Address[5]++ }, "number": func(k *bunker.KeptVersion) { k.Seq++ },
		"date": func(k *bunker.KeptVersion) { k.CreatedAt++ }, "event": func(k *bunker.KeptVersion) { k.EventID[9]++ },
		"source": func(k *bunker.KeptVersion) { k.Source = bunker.KeptFetched }, "connection": func(k *bunker.KeptVersion) { k.Connection = "" },
		"time": func(k *bunker.KeptVersion) { k.KeptAt++ }, "word of a person": func(k *bunker.KeptVersion) { k.Seen = true },
	} {
		other := k
		edit(&other)
		if _, err := v.OpenVersion(&other); !errors.Is(err, bunker.ErrTampered) {
			t.Errorf("with another %s: %v", what, err)
		}
	}
	must(t, v.Seal(self))
	if _, err := v.OpenVersion(&k); !errors.Is(err, ErrSealed) {
		t.Errorf("while sealed: %v", err)
	}
	if _, err := v.SealVersion(&k, nil); !errors.Is(err, ErrSealed) {
		t.Errorf("closing while sealed: %v", err)
	}
	if _, err := v.VersionAddress(self, "k", 3, ""); !errors.Is(err, ErrSealed) {
		t.Errorf("an address while sealed: %v", err)
	}
}

func TestAddressesOfVersionsTellNothingAndDiffer(t *testing.T) {
	v := newVault(t)
	seen := map[bunker.Address]string{}
	for _, c := range []struct {
		key  bunker.KeyID
		kind nostr.Kind
		d    string
	}{{"k", 3, ""}, {"k", 0, ""}, {"l", 3, ""}, {"k", 30023, ""}, {"k", 30023, "a"}, {"k", 30023, "b"}, {"k3", 0, ""}, {"k", 30, "023a"}} {
		at, err := v.VersionAddress(self, c.key, c.kind, c.d)
		must(t, err)
		if other, twice := seen[at]; twice {
			t.Errorf("%v has the address of %s", c, other)
		}
		seen[at] = c.d
		again, err := v.VersionAddress(self, c.key, c.kind, c.d)
		must(t, err)
		if again != at {
			t.Errorf("%v has another address each time", c)
		}
	}
}
