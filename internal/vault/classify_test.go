package vault

import (
	"encoding/json"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// rumorBy is an unsigned event as JSON.
func rumorBy(t *testing.T, pub nostr.PubKey, kind nostr.Kind, more map[string]any) string {
	t.Helper()
	e := nostr.Event{PubKey: pub, CreatedAt: testNow.Unix(), Kind: kind, Content: "hello"}
	m := map[string]any{"id": e.ComputeID().String(), "pubkey": pub.String(), "created_at": e.CreatedAt, "kind": kind, "tags": [][]string{}, "content": e.Content}
	for k, v := range more {
		m[k] = v
	}
	b, err := json.Marshal(m)
	must(t, err)
	return string(b)
}

func TestDecryptionsAreClassifiedByWhatComesToLight(t *testing.T) {
	v := newVault(t)
	k := unlockedKey(t, v)
	friend, other := stranger(t, v), stranger(t, v)
	signed := func(sk *nostr.SecretKey, kind nostr.Kind, spoil func(*nostr.Event)) string {
		e := &nostr.Event{PubKey: sk.PubKey(), CreatedAt: testNow.Unix(), Kind: kind, Content: "hello"}
		must(t, sk.Sign(e))
		if spoil != nil {
			spoil(e)
		}
		return string(e.AppendJSON(nil))
	}
	for name, c := range map[string]struct {
		text string
		want bunker.DecryptResult
	}{
		"a signed kind 13, by anybody":        {signed(other, 13, nil), bunker.ResultWrap},
		"a kind 13 whose signature is wrong":  {signed(other, 13, func(e *nostr.Event) { e.Content = "x" }), bunker.ResultOther},
		"an unsigned kind 13":                 {rumorBy(t, friend.PubKey(), 13, nil), bunker.ResultOther},
		"another signed kind":                 {signed(friend, 1, nil), bunker.ResultOther},
		"a message":                           {rumorBy(t, friend.PubKey(), 14, nil), bunker.ResultDM},
		"a file":                              {rumorBy(t, friend.PubKey(), 15, nil), bunker.ResultDM},
		"a reaction":                          {rumorBy(t, friend.PubKey(), 7, nil), bunker.ResultDM},
		"a message by somebody else":          {rumorBy(t, other.PubKey(), 14, nil), bunker.ResultOther},
		"a message by the account itself":     {rumorBy(t, k.PubKey, 14, nil), bunker.ResultOther},
		"a message by nobody":                 {rumorBy(t, friend.PubKey(), 14, map[string]any{"pubkey": nil}), bunker.ResultOther},
		"a message that is signed":            {signed(friend, 14, nil), bunker.ResultOther},
		"another kind":                        {rumorBy(t, friend.PubKey(), 16, nil), bunker.ResultOther},
		"a text":                              {"hello", bunker.ResultOther},
		"half an event":                       {`{"kind":14`, bunker.ResultOther},
		"a message with its kind given twice": {`{"kind":1,"kind":14,"pubkey":"` + friend.PubKey().String() + `","content":"","tags":[],"created_at":1}`, bunker.ResultOther},
		"something that is no object":         {`[14]`, bunker.ResultOther},
	} {
		if got := classify([]byte(c.text), k.PubKey, friend.PubKey()); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if got := classify([]byte(c.text), k.PubKey, k.PubKey); got != bunker.ResultSelf {
			t.Errorf("%s, of one's own: %s", name, got)
		}
	}
}

func TestClassifyingIsDecryptingWithoutTheText(t *testing.T) {
	v := newVault(t)
	k := unlockedKey(t, v)
	friend := stranger(t, v)
	content, err := v.Encrypt44(floorOf(), k.ID, friend.PubKey(), []byte(rumorBy(t, friend.PubKey(), 14, nil)))
	must(t, err)
	got, err := v.Classify44(floorOf(), k.ID, friend.PubKey(), content)
	must(t, err)
	if got != bunker.ResultDM {
		t.Errorf("got %s", got)
	}
	_, err = v.Classify44(floorOf(), k.ID, stranger(t, v).PubKey(), content)
	wantErr(t, err, ErrUnreadable)
	f := floorOf()
	f.Ours = func(p nostr.PubKey) bool { return p == friend.PubKey() }
	_, err = v.Classify44(f, k.ID, friend.PubKey(), content)
	wantErr(t, err, ErrNever) // the floor holds for looking, too
	must(t, v.LockUserKey(self, k.ID))
	_, err = v.Classify44(floorOf(), k.ID, friend.PubKey(), content)
	wantErr(t, err, ErrLocked)
}
