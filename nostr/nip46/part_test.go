package nip46

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"nsecbunker/nostr"
)

func mustKey(t testing.TB, hex string) nostr.PubKey {
	t.Helper()
	key, err := nostr.ParsePubKey(hex)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestPermissionsMeanWhatTheySay(t *testing.T) {
	list, err := ParsePermissions(" sign_event:1 , nip44_encrypt,, sign_event,sign_event:1 ,all,get_public_key,")
	want := []Permission{{SignEvent, "1"}, {NIP44Encrypt, ""}, {SignEvent, ""}, {All, ""}, {GetPublicKey, ""}}
	if err != nil || !slices.Equal(list, want) {
		t.Errorf("got %v (%v)", list, err)
	}
	if text := FormatPermissions(list); text != "sign_event:1,nip44_encrypt,sign_event,all,get_public_key" {
		t.Errorf("printed as %s", text)
	}
	if kind, ok := list[0].EventKind(); kind != 1 || !ok {
		t.Errorf("kind %d, %v", kind, ok)
	}
	for _, p := range list[1:] {
		if _, ok := p.EventKind(); ok {
			t.Errorf("%v names a kind", p)
		}
	}
	if list, err := ParsePermissions("sign_event:0,sign_event:65535"); err != nil || len(list) != 2 {
		t.Errorf("the outermost kinds: %v (%v)", list, err)
	}
	if list, err := ParsePermissions(" "); err != nil || list != nil {
		t.Errorf("none: %v (%v)", list, err)
	}
}

func TestAMisspeltPermissionIsNamed(t *testing.T) {
	for _, bad := range []string{"sign_events", "Sign_event", "sign_event:65536", "sign_event:-1", "sign_event:01", "sign_event:+1", "sign_event:", "sign_event:x", "sign_event:1:2", "all:1", "nip44_encrypt:" + fiatjaf, "*", "sign_event;ping", ":1"} {
		list, err := ParsePermissions("ping," + bad)
		if err == nil || list != nil || !strings.Contains(err.Error(), strings.SplitN(bad, ":", 2)[0]) {
			t.Errorf("%s: %v (%v)", bad, list, err)
		}
	}
}

func TestPermissionsAreBounded(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "sign_event:%d,", i)
		}
		return b.String()
	}
	if list, err := ParsePermissions(many(MaxPermissions)); err != nil || len(list) != MaxPermissions {
		t.Errorf("%d: %v", MaxPermissions, err)
	}
	if _, err := ParsePermissions(many(MaxPermissions + 1)); err == nil {
		t.Errorf("%d were taken", MaxPermissions+1)
	}
	if _, err := ParsePermissions(strings.Repeat(",", MaxPermissionsBytes+1)); err == nil {
		t.Error("a string over the bound was taken")
	}
	if list, ignored := RequestedPermissions(many(MaxPermissions) + "ping,x"); len(list)+len(ignored) != MaxPermissions {
		t.Errorf("%d were requested", len(list)+len(ignored))
	}
	if list, ignored := RequestedPermissions(strings.Repeat("ping,", MaxPermissionsBytes)); list != nil || len(ignored) != 1 || len(ignored[0]) > MaxMethod {
		t.Errorf("a string over the bound: %v", list)
	}
}

func TestAWishOfAClientIsReadAsFarAsItIsKnown(t *testing.T) {
	list, ignored := RequestedPermissions("decrypt_zap_event, sign_event:1,all,sign_event:x,,sign_event:1")
	if !slices.Equal(list, []Permission{{SignEvent, "1"}}) || !slices.Equal(ignored, []string{"decrypt_zap_event", "all", "sign_event:x"}) {
		t.Errorf("got %v, ignored %q", list, ignored)
	}
}

func FuzzPermissions(f *testing.F) {
	for _, s := range []string{"sign_event:1,nip44_encrypt", " all ,,ping", "sign_event:65536", "decrypt_zap_event", "nip04_decrypt:x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		wish, ignored := RequestedPermissions(s)
		if len(wish)+len(ignored) > MaxPermissions {
			t.Fatalf("%d wishes", len(wish)+len(ignored))
		}
		list, err := ParsePermissions(s)
		if err != nil {
			return
		}
		text := FormatPermissions(list)
		back, err := ParsePermissions(text)
		if err != nil || !slices.Equal(back, list) || FormatPermissions(back) != text {
			t.Fatalf("%q came back as %v (%v)", text, back, err)
		}
	})
}

func TestMethodsNotKnownNeedAGrant(t *testing.T) {
	free := []Method{Connect, Ping, GetPublicKey, SwitchRelays, Logout}
	for _, m := range append(Methods(), All, "", "nip44_get_key", "describe", "PING") {
		if m.NeedsGrant() == slices.Contains(free, m) {
			t.Errorf("%q: needs a grant: %v", m, m.NeedsGrant())
		}
		if m.Known() != slices.Contains(Methods(), m) {
			t.Errorf("%q: known: %v", m, m.Known())
		}
	}
	if SignEvent.HasPeer() || !NIP44Decrypt.HasPeer() {
		t.Error("the wrong methods name a peer")
	}
}

func TestConnectIsReadInEveryLibrarysForm(t *testing.T) {
	cases := []struct {
		name   string
		params []string
		want   ConnectParams
	}{
		{"NDK", []string{"", "s"}, ConnectParams{Secret: "s", MetadataOK: true}},
		{"key only", []string{fiatjaf}, ConnectParams{Remote: fiatjaf, MetadataOK: true}},
		{"upper case", []string{strings.ToUpper(fiatjaf), ""}, ConnectParams{Remote: fiatjaf, MetadataOK: true}},
		{"none", nil, ConnectParams{MetadataOK: true}},
		{"all four", []string{fiatjaf, "s", "sign_event:1", `{"name":"App","url":"https://a.example","image":5}`},
			ConnectParams{Remote: fiatjaf, Secret: "s", Perms: "sign_event:1", Metadata: ClientMetadata{Name: "App", URL: "https://a.example"}, MetadataOK: true}},
		{"bad metadata", []string{fiatjaf, "s", "", `{"name":`}, ConnectParams{Remote: fiatjaf, Secret: "s"}},
		{"a fifth", []string{fiatjaf, "", "", "", "x"}, ConnectParams{Remote: fiatjaf, MetadataOK: true}},
	}
	for _, c := range cases {
		p, err := ParseConnect(Request{ID: "1", Method: Connect, Params: c.params})
		if err != nil || p != c.want {
			t.Errorf("%s: %v (%v)", c.name, p, err)
		}
	}
	bad := [][]string{{"npub1x"}, {notAPoint}, {fiatjaf[1:]}, {"", strings.Repeat("s", MaxSecret+1)}, {"", "", strings.Repeat(",", MaxPermissionsBytes+1)}}
	for _, params := range bad {
		var malformed *MalformedError
		if p, err := ParseConnect(Request{ID: "7", Method: Connect, Params: params}); !errors.As(err, &malformed) || malformed.ID != "7" || !malformed.HasID {
			t.Errorf("%.80q: %v (%v)", params, p, err)
		}
	}
	if _, err := ParseConnect(Request{ID: "7", Method: Ping}); err == nil {
		t.Error("ping was read as connect")
	}
}

func TestConnectIsWrittenWithTheMetadataInFourthPlace(t *testing.T) {
	p := ConnectParams{Remote: fiatjaf, Metadata: ClientMetadata{Name: `A "b"`}, MetadataOK: true}
	r := p.Request("1")
	if !slices.Equal(r.Params, []string{fiatjaf, "", "", `{"name":"A \"b\""}`}) {
		t.Errorf("%q", r.Params)
	}
	if back, err := ParseConnect(r); err != nil || back != p {
		t.Errorf("came back as %v (%v)", back, err)
	}
	if r := (ConnectParams{Remote: fiatjaf, Secret: "s"}).Request("1"); !slices.Equal(r.Params, []string{fiatjaf, "s"}) {
		t.Errorf("%q", r.Params)
	}
}

func TestClientMetadataNeverFailsALogin(t *testing.T) {
	for _, text := range []string{"x", "[]", `{"name":"a","name":"b"}`, `{"name":"\ud800"}`, `{"a":1} x`, strings.Repeat(" ", MaxMetadata+1)} {
		if m, ok := ParseClientMetadata(text); ok || m != (ClientMetadata{}) {
			t.Errorf("%.40q: %v, %v", text, m, ok)
		}
	}
	long := strings.Repeat("é", 2000)
	m, ok := ParseClientMetadata(`{"name":"` + long + `","url":"` + long[:1500] + `","x":{"y":[]}}`)
	if !ok || len(m.Name) != MaxClientName || len(m.URL) != MaxClientURL {
		t.Errorf("cut to %d and %d bytes, %v", len(m.Name), len(m.URL), ok)
	}
}

func TestRelayAddressesHaveOneSpelling(t *testing.T) {
	good := map[string]string{
		"wss://relay.example":                                    "wss://relay.example",
		" WSS://Relay.Example:443/ ":                             "wss://relay.example",
		"ws://127.0.0.1:80":                                      "ws://127.0.0.1",
		"ws://localhost:07777/":                                  "ws://localhost:7777",
		"wss://a.example./Path/?Q=1#x":                           "wss://a.example/Path/?Q=1",
		"wss://a.example/?x":                                     "wss://a.example?x",
		"wss://a.example/?":                                      "wss://a.example",
		"ws://[0:0::1]:7447":                                     "ws://[::1]:7447",
		"wss://xn--mnchen-3ya.example/nostr":                     "wss://xn--mnchen-3ya.example/nostr",
		"wss://a_b.example/~u+v,w":                               "wss://a_b.example/~u+v,w",
		"wss://a.example/" + strings.Repeat("p", MaxRelayURL-16): "wss://a.example/" + strings.Repeat("p", MaxRelayURL-16),
	}
	for in, want := range good {
		got, err := NormalizeRelayURL(in)
		if err != nil || got != want {
			t.Errorf("%s: %s (%v)", in, got, err)
		}
		if again, err := NormalizeRelayURL(got); err != nil || again != got {
			t.Errorf("%s: again %s (%v)", in, again, err)
		}
	}
	bad := []string{"", "relay.example", "https://a.example", "wss://", "wss:///x", "wss://user:pw@a.example", "wss://a b.example", "wss://a.example/\x00", "wss://a.example\\@b", "wss://münchen.example",
		"wss://a.example:0", "wss://a.example:65536", "wss://a.example:x", "wss://[::1", "wss://[fe80::1%25eth0]", "wss://[1.2.3.4]", "wss://-a.example", "wss://a..example", "wss://[::1]x", "javascript://a", "wss://a.example/{x}",
		"wss://a.example/\u202e", "wss://" + strings.Repeat("a", 64) + ".example", "wss://a.example/" + strings.Repeat("p", MaxRelayURL-15)}
	for _, in := range bad {
		if got, err := NormalizeRelayURL(in); err == nil {
			t.Errorf("%s was taken as %s", in, got)
		}
	}
}

func FuzzRelayURL(f *testing.F) {
	for _, s := range []string{"wss://a.example:443/?x", "ws://[::ffff:1.2.3.4]:9/", "wss://u@a.example", "wss://a.example.#"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := NormalizeRelayURL(s)
		if err != nil {
			return
		}
		if again, err := NormalizeRelayURL(u); err != nil || again != u {
			t.Fatalf("%q, again %q (%v)", u, again, err)
		}
	})
}
