package nip11

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// wine is the first example of NIP-11.
const wine = `{"contact":"wino@nostr.wine","description":"A paid nostr relay.","fees":{"admission":[{"amount":18888000,"unit":"msats"}]},"icon":"https://image.nostr.build/x.png",
"limitation":{"auth_required":false,"created_at_lower_limit":94608000,"created_at_upper_limit":300,"max_event_tags":4000,"max_limit":1000,"max_message_length":524288,"max_subid_length":71,"max_subscriptions":50,"min_pow_difficulty":0,"payment_required":true,"restricted_writes":true},
"name":"nostr.wine","payments_url":"https://nostr.wine/invoices","pubkey":"4918eb332a41b71ba9a74b1dc64276cfff592e55107b93baae38af3520e55975","software":"https://nostr.wine","supported_nips":[1,2,4,9,11,40,42,50,70,77],"terms_of_service":"https://nostr.wine/terms","version":"0.3.3"}`

func TestADocumentOfTheWildIsRead(t *testing.T) {
	d, err := Read(strings.NewReader(wine))
	if err != nil || d.Name != "nostr.wine" || d.Version != "0.3.3" || len(d.SupportedNIPs) != 10 || d.Limitation == nil ||
		d.Limitation.MaxMessageLength != 524288 || !d.Limitation.PaymentRequired || d.Limitation.AuthRequired || d.Limitation.CreatedAtUpperLimit != 300 {
		t.Errorf("%+v (%v)", d, err)
	}
}

func TestOurDocumentIsReadBackWhole(t *testing.T) {
	d := Document{Name: "signer", SupportedNIPs: []int{1, 11, 42, 46}, Software: "https://a.example", Limitation: &Limitation{AuthRequired: true, MaxMessageLength: 5}}
	b, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := Parse(b); err != nil || !reflect.DeepEqual(back, d) {
		t.Errorf("%s came back as %+v (%v)", b, back, err)
	}
}

func TestAFieldOfTheWrongTypeIsMissingAndTheRestIsRead(t *testing.T) {
	d, err := Parse([]byte(`{"name":5,"version":"1","supported_nips":[1,"2",-3,70000,4.5,42],"limitation":{"max_limit":"10","auth_required":"yes","max_subscriptions":7},"icon":null}`))
	if err != nil || d.Name != "" || d.Version != "1" || !reflect.DeepEqual(d.SupportedNIPs, []int{1, 42}) || *d.Limitation != (Limitation{MaxSubscriptions: 7}) {
		t.Errorf("%+v (%v)", d, err)
	}
}

func TestDocumentsAreBounded(t *testing.T) {
	fill := func(n int) string { return `{"name":"` + strings.Repeat("n", n-11) + `"}` }
	if d, err := Read(strings.NewReader(fill(MaxDocument))); err != nil || len(d.Name) != MaxText {
		t.Errorf("%d bytes of a name (%v)", len(d.Name), err)
	}
	if _, err := Read(strings.NewReader(fill(MaxDocument + 1))); err == nil {
		t.Error("a document over the bound was read")
	}
	if d, err := Parse([]byte(`{"name":"` + strings.Repeat("é", MaxText) + `"}`)); err != nil || !utf8.ValidString(d.Name) || len(d.Name) > MaxText {
		t.Errorf("cut badly (%v)", err)
	}
	if d, err := Parse([]byte(`{"supported_nips":[` + strings.Repeat("1,", MaxNIPs) + `1]}`)); err != nil || len(d.SupportedNIPs) != MaxNIPs {
		t.Errorf("%d NIPs (%v)", len(d.SupportedNIPs), err)
	}
	for _, text := range []string{"", "null", "[]", "5", "{", "<html>"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestWhoAsksForTheDocumentGetsIt(t *testing.T) {
	for _, accept := range []string{ContentType, "text/html, application/nostr+json;q=0.9", "Application/Nostr+JSON"} {
		if !Wanted(accept) {
			t.Errorf("%q does not want it", accept)
		}
	}
	for _, accept := range []string{"", "*/*", "application/json", "text/html"} {
		if Wanted(accept) {
			t.Errorf("%q wants it", accept)
		}
	}
	if u, err := URL("wss://r.example/x"); err != nil || u != "https://r.example/x" {
		t.Errorf("%s (%v)", u, err)
	}
	if u, err := URL("ws://localhost:7447"); err != nil || u != "http://localhost:7447" {
		t.Errorf("%s (%v)", u, err)
	}
	if _, err := URL("https://r.example"); err == nil {
		t.Error("a web address was taken")
	}
	if Headers()["Access-Control-Allow-Origin"] != "*" || Headers()["Content-Type"] != ContentType {
		t.Error("headers are missing")
	}
}

func FuzzNIP11(f *testing.F) {
	f.Add([]byte(wine))
	f.Add([]byte(`{"name":5,"limitation":[],"supported_nips":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err != nil {
			return
		}
		out, err := d.JSON()
		if err != nil || !json.Valid(out) {
			t.Fatalf("%q: %v", out, err)
		}
		if back, err := Parse(out); len(out) <= MaxDocument && (err != nil || !reflect.DeepEqual(back, d)) {
			t.Fatalf("%+v came back as %+v (%v)", d, back, err)
		}
	})
}
