package nip47_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip47"
)

func arena(t testing.TB) *secret.Arena {
	t.Helper()
	a, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// example is NIP-47's, Example connection string.
const example = "nostr+walletconnect://b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4?relay=wss%3A%2F%2Frelay.damus.io&secret=71a8c14c1407c113601079c4302dab36460f0ccd0ad506f1f2dc73b5100e4f3c"

func TestTheExampleOfNIP47IsRead(t *testing.T) {
	c, err := nip47.ParseURI(arena(t), []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if c.Service.String() != "b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4" || !slices.Equal(c.Relays, []string{"wss://relay.damus.io"}) {
		t.Errorf("read as %v", c)
	}
	key, err := nostr.NewSecretKey(arena(t), must(hex.DecodeString("71a8c14c1407c113601079c4302dab36460f0ccd0ad506f1f2dc73b5100e4f3c")))
	if err != nil || key.PubKey() != c.Client() {
		t.Errorf("the client is %s: %v", c.Client(), err)
	}
	for _, text := range []string{fmt.Sprintf("%v", c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%v", *c)} {
		if strings.Contains(text, "71a8c14c") {
			t.Errorf("the secret is printed: %s", text)
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestConnectionsThatAreNoneAreRefusedWithoutRepeatingThem(t *testing.T) {
	const service = "b889ff5b1513b641e2a139f661a661364979c5beee91842f8f0ef42ab558e9d4"
	const key = "71a8c14c1407c113601079c4302dab36460f0ccd0ad506f1f2dc73b5100e4f3c"
	const relay = "relay=wss://relay.example"
	for text, want := range map[string]error{
		"":                               nip47.ErrScheme,
		"bunker://" + service:            nip47.ErrScheme,
		nip47.Scheme + "?" + relay:       nip47.ErrService,
		nip47.Scheme + service[1:] + "?": nip47.ErrService,
		nip47.Scheme + strings.Repeat("f", 64) + "?" + relay + "&secret=" + key:                             nip47.ErrService,
		nip47.Scheme + service + "?secret=" + key:                                                           nip47.ErrRelay,
		nip47.Scheme + service + "?" + relay:                                                                nip47.ErrSecret,
		nip47.Scheme + service + "?" + relay + "&secret=" + key[2:]:                                         nip47.ErrSecret,
		nip47.Scheme + service + "?" + relay + "&secret=" + strings.Repeat("0", 64):                         nip47.ErrSecret,
		nip47.Scheme + service + "?" + relay + "&secret=" + strings.Repeat("g", 64):                         nip47.ErrSecret,
		nip47.Scheme + service + "?" + relay + "&secret=" + key + "&secret=" + key:                          nip47.ErrSecret,
		nip47.Scheme + service + "?relay=https://relay.example&secret=" + key:                               nip47.ErrRelay,
		nip47.Scheme + service + "?relay=%zz&secret=" + key:                                                 nip47.ErrQuery,
		nip47.Scheme + service + "?" + strings.Repeat(relay+"&", nip47.MaxRelays+1) + "secret=" + key:       nip47.ErrRelay,
		nip47.Scheme + service + "?" + relay + "&secret=" + key + "&x=" + strings.Repeat("x", nip47.MaxURI): nip47.ErrLong,
	} {
		_, err := nip47.ParseURI(arena(t), []byte(text))
		if !errors.Is(err, want) || strings.Contains(fmt.Sprint(err), key) {
			t.Errorf("%.80s…: %v", text, err)
		}
	}
}

func TestMethodsThatPayAreKnown(t *testing.T) {
	got := nip47.Paying(strings.Fields("make_invoice pay_invoice lookup_invoice pay_keysend multi_pay_invoice multi_pay_keysend pay_offer get_balance sign_message make_hold_invoice"))
	if want := []string{"pay_invoice", "pay_keysend", "multi_pay_invoice", "multi_pay_keysend", "pay_offer"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestTheExampleInfoEventIsReadAndAbsenceOfTheTagMeansNIP04(t *testing.T) {
	e := &nostr.Event{Kind: nip47.KindInfo, Content: "pay_invoice get_balance", Tags: nostr.Tags{{"encryption", "nip04 nip44_v2"}, {"notifications", "payment_received payment_sent"}}}
	a, err := nip47.ParseAnnouncement(e)
	if err != nil || a.Encryption != nip47.NIP44 || !slices.Equal(a.Methods, []string{"pay_invoice", "get_balance"}) || len(a.Notifications) != 2 {
		t.Errorf("%+v: %v", a, err)
	}
	e.Tags = nil
	if a, err = nip47.ParseAnnouncement(e); err != nil || a.Encryption != nip47.NIP04 || len(a.Notifications) != 0 {
		t.Errorf("%+v: %v", a, err)
	}
	e.Kind = 1
	if _, err := nip47.ParseAnnouncement(e); err == nil {
		t.Error("a note was taken for an info event")
	}
}

func TestAnswersOfAnotherMethodAndWithoutAResultAreRefused(t *testing.T) {
	var tr nip47.Transaction
	for _, text := range []string{"", "[]", "{}", `{"result_type":"pay_invoice","result":{}}`, `{"result_type":"make_invoice"}`, `{"result_type":"make_invoice","result":null}`, `{"result_type":"make_invoice","result":[]}`} {
		if err := nip47.ParseResponse([]byte(text), nip47.MethodMakeInvoice, &tr); !errors.Is(err, nip47.ErrMessage) {
			t.Errorf("%s: %v", text, err)
		}
	}
	var f *nip47.Fault
	err := nip47.ParseResponse([]byte(`{"result_type":"make_invoice","error":{"code":"RESTRICTED","message":"no"},"result":{"amount":5}}`), nip47.MethodMakeInvoice, &tr)
	if !errors.As(err, &f) || f.Code != nip47.CodeRestricted || tr.Amount != 0 {
		t.Errorf("%v, %+v", err, tr)
	}
}

func TestBothEncryptionsComeBackAndOpenForNobodyElse(t *testing.T) {
	a := arena(t)
	var keys [3]*nostr.SecretKey
	for i := range keys {
		k, err := nostr.GenerateKey(a)
		if err != nil {
			t.Fatal(err)
		}
		keys[i] = k
	}
	for _, how := range []nip47.Encryption{nip47.NIP44, nip47.NIP04} {
		content, err := how.Close(keys[0], keys[1].PubKey(), []byte(`{"method":"get_info"}`))
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := how.Open(keys[1], keys[0].PubKey(), content); err != nil || string(plain) != `{"method":"get_info"}` {
			t.Errorf("%s: %q %v", how, plain, err)
		}
		if plain, err := how.Open(keys[2], keys[0].PubKey(), content); err == nil && json.Valid(plain) {
			t.Errorf("%s opened for another key", how)
		}
		if _, err := how.Open(keys[1], keys[0].PubKey(), strings.Repeat("x", 2*nip47.MaxContent+1)); err == nil {
			t.Errorf("%s: a message without end was opened", how)
		}
	}
}

func FuzzURI(f *testing.F) {
	f.Add(example)
	f.Add(nip47.Scheme + "?&&==&secret=&relay=")
	a := arena(f)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := nip47.ParseURI(a, []byte(text))
		if err != nil {
			return
		}
		defer c.Destroy()
		if !c.Service.Valid() || len(c.Relays) == 0 || len(c.Relays) > nip47.MaxRelays || c.Client().IsZero() {
			t.Errorf("%q was read as %v", text, c)
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add(`{"result_type":"make_invoice","error":null,"result":{"type":"incoming","amount":123,"payment_hash":"ab","expires_at":5}}`)
	f.Add(`{"notification_type":"payment_received","notification":{"payment_hash":"ab","settled_at":1}}`)
	f.Add(`{"result_type":"get_info","error":{"code":"OTHER","message":"x"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var tr nip47.Transaction
		err := nip47.ParseResponse([]byte(text), nip47.MethodMakeInvoice, &tr)
		var fault *nip47.Fault
		if errors.As(err, &fault) && len(fault.Code)+len(fault.Message) > 400 {
			t.Errorf("a fault of %d bytes", len(fault.Message))
		}
		if kind, _, err := nip47.ParseNotification([]byte(text)); err == nil && (kind == "" || len(kind) > 40) {
			t.Errorf("%q is a notification of kind %q", text, kind)
		}
		_, _ = nip47.ParseAnnouncement(&nostr.Event{Kind: nip47.KindInfo, Content: text, Tags: nostr.Tags{{"encryption", text}}})
	})
}
