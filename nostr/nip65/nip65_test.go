package nip65

import (
	"fmt"
	"slices"
	"testing"

	"nsecbunker/nostr"
)

// TestTheExampleOfTheNIP: NIP-65's own list.
func TestTheExampleOfTheNIP(t *testing.T) {
	tags := nostr.Tags{
		{"r", "wss://alicerelay.example.com"}, {"r", "wss://brando-relay.com"}, {"r", "wss://expensive-relay.example2.com", "write"},
		{"r", "wss://nostr-relay.example.com", "read"},
	}
	list := Relays(tags)
	want := []Relay{
		{"wss://alicerelay.example.com", true, true}, {"wss://brando-relay.com", true, true}, {"wss://expensive-relay.example2.com", false, true},
		{"wss://nostr-relay.example.com", true, false},
	}
	if !slices.Equal(list, want) {
		t.Errorf("read %v", list)
	}
	if got := Tags(list, tags); fmt.Sprint(got) != fmt.Sprint(tags) {
		t.Errorf("written %v", got)
	}
	if got := Writes(list, 2); fmt.Sprint(got) != "[wss://alicerelay.example.com wss://brando-relay.com]" {
		t.Errorf("writes to %v", got)
	}
}

func TestARelayIsThereOnceWithAllThatIsSaid(t *testing.T) {
	list := Relays(nostr.Tags{
		{"r", "wss://A.example/", "read"}, {"r"}, {"r", ""}, {"r", "https://a.example"}, {"r", "wss://b.example", "both"}, {"p", "wss://c.example"},
		{"r", "wss://a.example", "write"}, {},
	})
	if !slices.Equal(list, []Relay{{"wss://a.example", true, true}}) {
		t.Errorf("read %v", list)
	}
	var many nostr.Tags
	for i := range MaxRelays + 5 {
		many = append(many, nostr.Tag{"r", fmt.Sprintf("wss://r%d.example", i)})
	}
	if n := len(Relays(many)); n != MaxRelays {
		t.Errorf("%d relays are read", n)
	}
	got := Tags([]Relay{{URL: "wss://none.example"}, {URL: "wss://r.example", Read: true}}, nostr.Tags{{"r", "wss://old.example"}, {"alt", "relays"}, {"client", "x"}})
	if fmt.Sprint(got) != "[[r wss://r.example read] [alt relays] [client x]]" {
		t.Errorf("written %v", got)
	}
	if got := Tags([]Relay{{"wss://a.example", true, false}}, nostr.Tags{{"r", "wss://A.example/", "write"}}); fmt.Sprint(got) != "[[r wss://A.example/ read]]" {
		t.Errorf("a relay that was there is written %v", got)
	}
}

// FuzzRelays: what is written is read as the same list.
func FuzzRelays(f *testing.F) {
	f.Add("wss://a.example", "read", "wss://b.example", "")
	f.Add("wss://a.example", "write", "wss://A.example/", "read")
	f.Fuzz(func(t *testing.T, a, ma, b, mb string) {
		list := Relays(nostr.Tags{{"r", a, ma}, {"r", b, mb}})
		if got := Relays(Tags(list, nil)); !slices.Equal(got, list) {
			t.Errorf("%v is written and read as %v", list, got)
		}
	})
}
