package nip46

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	fiatjaf     = "3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d"
	fiatjafNpub = "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6"
	notAPoint   = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
)

// nostrTools is the expression of nostr-tools' parseBunkerInput, which refuses
// the whole URI for one other character.
var nostrTools = regexp.MustCompile(`^bunker://([0-9a-f]{64})\??([?/\w:.=&%-]*)$`)

func TestBunkerURIsOfOursAreReadByEveryLibrary(t *testing.T) {
	remote := mustKey(t, fiatjaf)
	u, err := NewBunkerURI(remote, []string{"WSS://Relay.Example:443/", "wss://b.example/~x/a+b,c@d?k=v&l=m", "wss://relay.example"}, "aZ09_-")
	if err != nil {
		t.Fatal(err)
	}
	text := u.String()
	if want := "bunker://" + fiatjaf + "?relay=wss%3A%2F%2Frelay.example&relay=wss%3A%2F%2Fb.example%2F%7Ex%2Fa%2Bb%2Cc%40d%3Fk%3Dv%26l%3Dm&secret=aZ09_-"; text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if !nostrTools.MatchString(text) {
		t.Errorf("nostr-tools refuses %s", text)
	}
	back, err := ParseBunkerURI(" " + text + "\n")
	if err != nil || !back.Equal(u) {
		t.Errorf("came back as %v (%v)", back, err)
	}
}

func TestBunkerURIsThatNoLibraryWouldReadAreNotMade(t *testing.T) {
	remote := mustKey(t, fiatjaf)
	good := []string{"wss://r.example"}
	for _, secret := range []string{"a+b", "a~b", "a b", "a,b", "a@b", "a#b", "a=b", "é", strings.Repeat("a", MaxSecret+1)} {
		if _, err := NewBunkerURI(remote, good, secret); err == nil {
			t.Errorf("the secret %q was taken", secret)
		}
	}
	for _, relays := range [][]string{nil, {"https://r.example"}, slices.Repeat(good, MaxRelays+1)} {
		if _, err := NewBunkerURI(remote, relays, "s"); err == nil {
			t.Errorf("the relays %q were taken", relays)
		}
	}
	if _, err := NewBunkerURI(mustKey(t, notAPoint), good, "s"); err == nil {
		t.Error("a key that is no point was taken")
	}
}

func TestForeignBunkerURIsAreRead(t *testing.T) {
	cases := []struct {
		name, text string
		relays     []string
		secret     string
	}{
		{"unencoded", "bunker://" + fiatjaf + "?relay=wss://a.example&relay=wss://b.example/path&secret=x", []string{"wss://a.example", "wss://b.example/path"}, "x"},
		{"upper case", "BUNKER://" + strings.ToUpper(fiatjaf) + "?relay=wss%3a%2f%2fa.example", []string{"wss://a.example"}, ""},
		{"slash, empty fields", "bunker://" + fiatjaf + "/?secret=&relay=&relay=wss://a.example&&x", []string{"wss://a.example"}, ""},
		{"one relay is bad", "bunker://" + fiatjaf + "?relay=a.example&relay=wss://b.example&secret=a%2Bb", []string{"wss://b.example"}, "a+b"},
		{"the same secret twice", "bunker://" + fiatjaf + "?relay=wss://a.example&secret=x&secret=x", []string{"wss://a.example"}, "x"},
	}
	for _, c := range cases {
		u, err := ParseBunkerURI(c.text)
		if err != nil || u.Remote.String() != fiatjaf || !slices.Equal(u.Relays, c.relays) || u.Secret != c.secret {
			t.Errorf("%s: %v (%v)", c.name, u, err)
		}
	}
}

func TestDamagedURIsAreRefusedWithTheReason(t *testing.T) {
	cases := []struct{ text, words string }{
		{"", "nothing that is known"},
		{"bunker://", "public key of 64 hex"},
		{"bunker://" + fiatjaf[1:] + "?relay=wss://a.example", "public key of 64 hex"},
		{"bunker://" + notAPoint + "?relay=wss://a.example", "public key of 64 hex"},
		{"bunker://" + fiatjaf, "names no relay"},
		{"bunker://" + fiatjaf + "?relay=", "names no relay"},
		{"bunker://" + fiatjaf + "?relay=https://a.example", "must begin with wss://"},
		{"bunker://" + fiatjaf + "?relay=wss://a.example&secret=x&secret=y", "more than one secret"},
		{"bunker://" + fiatjaf + "?relay=wss://a.example&secret=a%00b", "cannot be seen"},
		{"bunker://" + fiatjaf + "?relay=wss://a.example&secret=%ff", "cannot be seen"},
		{"bunker://" + fiatjaf + "?relay=wss://a.example&secret=a%E2%80%AEb", "cannot be seen"},
		{"bunker://" + fiatjaf + "?relay=wss://a.example&secret=" + strings.Repeat("s", MaxSecret+1), "longer than 256"},
		{"bunker://" + fiatjaf + "?relay=wss://a.example&" + strings.Repeat("x=y&", MaxURIFields), "more than 64 fields"},
		{"bunker://" + fiatjaf + "?relay=wss://a.example&x=" + strings.Repeat("y", MaxURI), "longer than 8192"},
	}
	for _, c := range cases {
		if u, err := ParseBunkerURI(c.text); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%.120s: %v (%v)", c.text, u, err)
		}
	}
}

func TestNostrConnectURIsOfRealAppsAreRead(t *testing.T) {
	head := "nostrconnect://" + fiatjaf
	cases := []struct {
		name, text string
		want       NostrConnectURI
	}{
		{"the spec's example", head + "?relay=wss%3A%2F%2Frelay1.example.com&perms=nip44_encrypt%2Cnip44_decrypt%2Csign_event%3A13%2Csign_event%3A14%2Csign_event%3A1059&name=My+Client&secret=0s8j2djs&relay=wss%3A%2F%2Frelay2.example2.com",
			NostrConnectURI{Relays: []string{"wss://relay1.example.com", "wss://relay2.example2.com"}, Secret: "0s8j2djs",
				Perms: "nip44_encrypt,nip44_decrypt,sign_event:13,sign_event:14,sign_event:1059", Metadata: ClientMetadata{Name: "My Client"}}},
		{"empty fields", head + "?image=&url=&name=&perms=&secret=s&relay=wss://a.example/",
			NostrConnectURI{Relays: []string{"wss://a.example"}, Secret: "s"}},
		{"unencoded relays", head + "?relay=wss://a.example:4848/x?y=z&relay=ws://localhost:7777&secret=a%20b%2Bc",
			NostrConnectURI{Relays: []string{"wss://a.example:4848/x?y=z", "ws://localhost:7777"}, Secret: "a b+c"}},
		{"metadata", head + "?metadata=%7B%22name%22%3A%22Old+Rust%22%2C%22url%22%3A%22https%3A%2F%2Fr.example%22%2C%22icons%22%3A%5B%5D%7D&relay=wss://a.example&secret=s",
			NostrConnectURI{Relays: []string{"wss://a.example"}, Secret: "s", Metadata: ClientMetadata{Name: "Old Rust", URL: "https://r.example"}}},
		{"metadata unencoded, fields win", head + `?metadata={"name":"A","image":"i"}&relay=wss://a.example&secret=s&name=B`,
			NostrConnectURI{Relays: []string{"wss://a.example"}, Secret: "s", Metadata: ClientMetadata{Name: "B", Image: "i"}}},
		{"bad metadata", head + `?metadata={"name":&relay=wss://a.example&secret=s`,
			NostrConnectURI{Relays: []string{"wss://a.example"}, Secret: "s"}},
		{"broken escapes in a name", head + "?relay=wss://a.example&secret=s&name=100%25+%zz%f",
			NostrConnectURI{Relays: []string{"wss://a.example"}, Secret: "s", Metadata: ClientMetadata{Name: "100% %zz%f"}}},
		{"name that is not UTF-8", head + "?relay=wss://a.example&secret=s&name=%ff",
			NostrConnectURI{Relays: []string{"wss://a.example"}, Secret: "s", Metadata: ClientMetadata{Name: "\uFFFD"}}},
	}
	for _, c := range cases {
		c.want.Client = mustKey(t, fiatjaf)
		u, err := ParseNostrConnectURI(c.text)
		if err != nil || !u.Equal(c.want) {
			t.Errorf("%s: %v (%v)", c.name, u, err)
		}
		back, err := ParseNostrConnectURI(u.String())
		if err != nil || !back.Equal(u) {
			t.Errorf("%s: came back as %v (%v)", c.name, back, err)
		}
	}
}

func TestNostrConnectNeedsRelayAndSecret(t *testing.T) {
	head := "nostrconnect://" + fiatjaf
	for _, text := range []string{head + "?relay=wss://a.example&name=x", head + "?relay=wss://a.example&name=x&secret="} {
		u, err := ParseNostrConnectURI(text)
		if !errors.Is(err, ErrNoSecret) || u.Metadata.Name != "x" || len(u.Relays) != 1 {
			t.Errorf("%s: %v (%v)", text, u, err)
		}
	}
	for _, text := range []string{head + "?secret=s", head + "?secret=s&relay=ftp://x", head, "nostrconnect://x?relay=wss://a.example&secret=s"} {
		if u, err := ParseNostrConnectURI(text); err == nil || errors.Is(err, ErrNoSecret) {
			t.Errorf("%s: %v (%v)", text, u, err)
		}
	}
	many := head + "?secret=s" + strings.Repeat("&relay=wss://a.example", 3)
	for i := range MaxRelays + 2 {
		many += "&relay=wss://r" + strings.Repeat("x", i+1) + ".example"
	}
	if u, err := ParseNostrConnectURI(many); err != nil || len(u.Relays) != MaxRelays || len(u.Skipped) != 3 {
		t.Errorf("many relays: %d taken, %d skipped (%v)", len(u.Relays), len(u.Skipped), err)
	}
}

func TestEachStringSaysWhichItIs(t *testing.T) {
	bunker, connect, admin := "bunker://"+fiatjaf+"?relay=wss://a.example", "nostrconnect://"+fiatjaf+"?relay=wss://a.example&secret=s", "bunker-admin://"+fiatjaf+"?relay=wss://a.example"
	cases := []struct {
		text string
		form Form
		word string
	}{
		{bunker, FormBunker, "a bunker:// link"},
		{connect, FormNostrConnect, "a nostrconnect:// link"},
		{admin, FormAdmin, "a bunker-admin:// connection string"},
		{"bunker://" + fiatjafNpub + "@relay.example", FormOldAdmin, "of the first nsecBunker"},
		{fiatjafNpub, FormNpub, "an npub"},
		{"nostr:" + fiatjafNpub, FormNpub, "an npub"},
		{fiatjafNpub + "#abc", FormNpubToken, "an npub with a token"},
		{"nsec1qqqq", FormSecretKey, "a secret key, which must not be pasted"},
		{"ncryptsec1qqqq", FormSecretKey, "a secret key"},
		{fiatjaf, FormUnknown, "nothing that is known"},
	}
	for _, c := range cases {
		if got := Recognise("  " + c.text + "\n"); got != c.form {
			t.Errorf("%s: %v", c.text, got)
		}
		_, err := ParseBunkerURI(c.text)
		checkForm(t, c.text, err, FormBunker, c.form, c.word)
		_, err = ParseNostrConnectURI(c.text)
		checkForm(t, c.text, err, FormNostrConnect, c.form, c.word)
	}
}

func checkForm(t *testing.T, text string, err error, want, got Form, word string) {
	t.Helper()
	if want == got {
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		return
	}
	var wrong *WrongFormError
	if !errors.As(err, &wrong) || wrong.Got != got || wrong.Want != want || !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), fiatjaf) {
		t.Errorf("%s: %v", text, err)
	}
}

func TestStringsOfTheFirstNsecBunkerAreRead(t *testing.T) {
	cases := []struct {
		text   string
		form   Form
		relays []string
		token  string
	}{
		{"bunker://" + fiatjafNpub + "@relay.nsecbunker.com", FormOldAdmin, []string{"wss://relay.nsecbunker.com"}, ""},
		{"bunker://" + fiatjafNpub + "@wss%3A%2F%2Fa.example,b.example", FormOldAdmin, []string{"wss://a.example", "wss://b.example"}, ""},
		{"bunker://" + fiatjafNpub + "?relay=wss://a.example", FormOldAdmin, []string{"wss://a.example"}, ""},
		{"bunker://" + fiatjafNpub, FormOldAdmin, nil, ""},
		{fiatjafNpub, FormNpub, nil, ""},
		{"nostr:" + fiatjafNpub, FormNpub, nil, ""},
		{fiatjafNpub + "#9f1a", FormNpubToken, nil, "9f1a"},
	}
	for _, c := range cases {
		o, err := ParseOldString(c.text)
		if err != nil || o.Form != c.form || o.PubKey.String() != fiatjaf || !slices.Equal(o.Relays, c.relays) || o.Token != c.token {
			t.Errorf("%s: %v %v (%v)", c.text, o, o.Relays, err)
		}
	}
	for _, text := range []string{fiatjafNpub[:62] + "q", fiatjafNpub + "#", "bunker://" + fiatjaf, "npub1", "", "nsec1", fiatjafNpub + "#" + strings.Repeat("t", MaxSecret+1)} {
		if o, err := ParseOldString(text); err == nil {
			t.Errorf("%s: %v", text, o)
		}
	}
}

func FuzzBunkerURI(f *testing.F) {
	for _, s := range []string{"bunker://" + fiatjaf + "?relay=wss%3A%2F%2Fa.example&secret=x", "bunker://" + fiatjaf + "/?relay=wss://a.example:1/~+?x=y&relay=ws://[::1]&secret=%2B", "bunker://" + fiatjafNpub + "@a.example,b", fiatjafNpub + "#t", "bunker-admin://" + fiatjaf} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if o, err := ParseOldString(s); err == nil && (len(o.Relays) > MaxRelays || len(o.Token) > MaxSecret) {
			t.Fatalf("out of bounds: %v", o)
		}
		u, err := ParseBunkerURI(s)
		if err != nil {
			return
		}
		if len(u.Relays) == 0 || len(u.Relays) > MaxRelays || len(u.Secret) > MaxSecret {
			t.Fatalf("out of bounds: %v", u)
		}
		text := u.String()
		if !nostrTools.MatchString(text) {
			t.Fatalf("nostr-tools refuses %q", text)
		}
		if len(text) > MaxURI {
			return // escaping made it longer than what is read
		}
		if back, err := ParseBunkerURI(text); err != nil || !back.Equal(u) {
			t.Fatalf("%q came back as %q (%v)", text, back.String(), err)
		}
	})
}

func FuzzNostrConnectURI(f *testing.F) {
	head := "nostrconnect://" + fiatjaf
	for _, s := range []string{head + "?relay=wss://a.example&secret=a+b%2B&name=My+App&perms=sign_event%3A1", head + `?metadata={"name":"A"}&relay=wss://a.example&secret=s&image=&url=`, head + "?relay=x&relay=wss://[::1]:9/&secret=%ff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseNostrConnectURI(s)
		if err != nil {
			return
		}
		if len(u.Relays) == 0 || len(u.Relays) > MaxRelays || u.Secret == "" || len(u.Secret) > MaxSecret || len(u.Metadata.Name) > MaxClientName || len(u.Metadata.URL) > MaxClientURL || len(u.Metadata.Image) > MaxClientURL {
			t.Fatalf("out of bounds: %v", u)
		}
		RequestedPermissions(u.Perms)
		text := u.String()
		if len(text) > MaxURI {
			return
		}
		if back, err := ParseNostrConnectURI(text); err != nil || !back.Equal(u) {
			t.Fatalf("%q came back as %q (%v)", text, back.String(), err)
		}
	})
}
