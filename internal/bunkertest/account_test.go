package bunkertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// An admin edits what an account says of itself: what the apps wrote there stays, the
// account's own relays get it, and the guard compares what comes next with it.
func TestAProfileIsEditedAndPublishedWhereTheAccountWrites(t *testing.T) {
	t.Parallel()
	app, home, second := NewRelay(t), NewRelay(t), NewRelay(t)
	b := Start(t, Options{Relays: []string{app.URL}, Config: allow(home, second)})
	b.AddKey("herald")
	a := b.Connected(b.Token("herald", "all"))
	saw := func(r *Relay, id string) bool {
		return slices.ContainsFunc(r.Seen(), func(e *nostr.Event) bool { return e.ID.String() == id })
	}
	list := b.Admin("key.relays.set", Params{"key": "herald", "list": []Params{{"url": home.URL, "write": true}, {"url": app.URL, "read": true}}})
	if r := list.Each("relays"); len(r) != 1 || r[0].Text("url") != home.URL || !r[0].Is("ok") || !saw(home, list.Text("event")) {
		t.Errorf("the list was told to %v", r)
	}
	byApp := a.Ask(nip46.SignEvent, listEvent(a, 0, nil, `{"name":"h","bot":true,"website":"https://example.com"}`)).Signed()

	set := Params{"key": "herald", "about": "News of the town", "base": byApp.ID.String()}
	check := b.Admin("key.profile.check", Params{"key": "herald", "about": "News of the town"})
	if check.Text("base") != byApp.ID.String() || fmt.Sprint(check.List("relays")) != "["+home.URL+"]" || check.Text("changes.words") != "4 fields instead of 3: 1 added" {
		t.Errorf("checked %v", check)
	}
	done := b.Admin("key.profile.set", set)
	ev, err := nostr.ParseEvent([]byte(done.Text("event_json")))
	if err != nil || ev.Verify() != nil || ev.PubKey != byApp.PubKey || ev.Content != `{"name":"h","bot":true,"website":"https://example.com","about":"News of the town"}` {
		t.Fatalf("signed %v, %v", done, err)
	}
	if !saw(home, ev.ID.String()) || saw(second, ev.ID.String()) || saw(app, ev.ID.String()) {
		t.Error("it is not on the account's relay alone")
	}
	if e := b.Refused("key.profile.set", set); e.Field != "base" {
		t.Errorf("a change of a version that is none any more: %v", e)
	}
	// The list moves: the old relay hears of it, too.
	moved := b.Admin("key.relays.set", Params{"key": "herald", "list": []Params{{"url": second.URL, "read": true, "write": true}}, "base": list.Text("event"), "accept": true})
	if !saw(home, moved.Text("event")) || !saw(second, moved.Text("event")) {
		t.Errorf("the new list was told to %v", moved.Each("relays"))
	}
	back := b.Admin("key.version.restore", Params{"key": "herald", "event": done.Text("base")})
	if !saw(second, back.Text("event")) || saw(home, back.Text("event")) {
		t.Errorf("what was undone was told to %v", back.Each("relays"))
	}
	wipe := a.Ask(nip46.SignEvent, listEvent(a, 0, nil, `{"name":"h"}`))
	if got := wipe.asked(b).Text("card.guard"); !strings.HasPrefix(got, "2 of 3 fields would be lost") {
		t.Errorf("the question says %q", got)
	}
	b.Reply(Params{"deny": true})
	for _, action := range []string{"key.profile.set", "key.relays.set"} {
		for _, rec := range b.Records(Params{"action": action}) {
			if rec.Text("principal") != "local" || rec.Text("connection") != "this-bunker" || rec.Text("signed") == "" {
				t.Errorf("recorded: %v", rec)
			}
		}
	}
	b.VerifyOutside()
}
