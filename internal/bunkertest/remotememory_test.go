//go:build linux

package bunkertest

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"testing"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/remote"
	"nsecbunker/nostr/nip19"
)

// TestASecretFromAfarIsWipedFromTheMemoryOfTheProgram: a key that an owner imports
// over a relay is in the memory of the real program as its number alone, and not
// after it is locked; its text, as it came, never stays.
func TestASecretFromAfarIsWipedFromTheMemoryOfTheProgram(t *testing.T) {
	t.Parallel()
	p := newRealProcess(t)
	p.makeReadable()
	arena := newArena(t)
	raw, user, peer := knownKey(t, arena)
	needles := memoryNeedles(t, raw, peer, user)

	ann := &Person{Key: peer, b: &Bunker{Arena: arena, Clock: new(Clock), t: t}}
	ann.NewDevice()
	p.call("admin.add", Params{"npub": nip19.EncodeNpub(peer.PubKey()), "role": "owner"}, []byte(Passphrase))
	target, err := adminwire.ParseConnectionString(p.Admin("status", nil).Text("connection_string"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()
	c, err := remote.Dial(ctx, remote.Config{Target: target, Signer: ann, Device: ann.Device, Label: "x", Origin: "x", Arena: arena, Now: ann.b.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the program may be gone
	p.Admin("device.confirm", Params{"digits": c.Code()})
	if err := c.AwaitConfirmation(ctx); err != nil {
		t.Fatal(err)
	}
	params, err := json.Marshal(Params{"name": "held", "secret": hex.EncodeToString(raw)})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Call(ctx, "key.import", params, nil, nil); err != nil {
		t.Fatal(err)
	}
	imported := p.scan(needles)
	if hits(imported, "number/") == 0 {
		t.Error("the key is not found while it is open: the search is blind")
	}
	if n := hits(imported, "text/"); n != 0 {
		t.Errorf("its text is in memory %d times: %v", n, imported)
	}
	if err := c.Call(ctx, "key.lock", []byte(`{"key":"held"}`), nil, nil); err != nil {
		t.Fatal(err)
	}
	if locked := p.scan(needles); hits(locked, "") != 0 {
		t.Errorf("after the lock: %v", locked)
	}
}
