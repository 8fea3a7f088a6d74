package describe

import (
	"encoding/json"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// lists tells replaceable events: what the account is and keeps.
func (t *teller) lists(k nostr.Kind) bool {
	switch {
	case k == 0:
		t.profile()
	case k == 3:
		t.card.Does = "follow " + number(t.count("p"), "account", "accounts") + ", and nobody else"
	case k == 10002:
		t.card.Does = "set the account's relays to " + number(t.count("r"), "relay", "relays")
		for _, tag := range t.s.Tags {
			if len(tag) > 1 && tag[0] == "r" {
				use := "read, write"
				if len(tag) > 2 && (tag[2] == "read" || tag[2] == "write") {
					use = tag[2] + " only"
				}
				t.fact(use, tag[1])
			}
		}
	case k == 10050, k == 10013, k == 10006, k == 10007, k == 10012, k == 10051, k == 30002:
		t.card.Does = "set the " + named(k, t.value("d")) + " to " + number(t.count("relay"), "relay", "relays")
		for _, r := range t.values("relay") {
			t.fact("relay", r)
		}
	case k == 10063, k == 10096:
		t.card.Does = "set the " + name(k) + " to " + number(t.count("server"), "server", "servers")
		for _, r := range t.values("server") {
			t.fact("server", r)
		}
	case k == 30078, k == 78:
		t.card.Does = "keep data of an app"
		t.fact("named", t.value("d"))
		t.text("data", t.s.Content)
	case k == 30315:
		t.card.Does = "set the status to " + quoted(t.s.Content)
		t.fact("sort", t.value("d"))
		t.fact("link", t.value("r"))
	case k.IsReplaceable() && k < 10100 && k != 10019, k >= 30000 && k <= 30015 && k != 30008 && k != 30009, k == 39089, k == 39092:
		t.entries(k)
	default:
		return false
	}
	return true
}

func named(k nostr.Kind, d string) string {
	if d == "" || !k.IsAddressable() {
		return name(k)
	}
	return name(k) + " " + quoted(d)
}

// entries tells a list of NIP-51 by what is in it.
func (t *teller) entries(k nostr.Kind) {
	var parts []string
	for _, c := range []struct{ tag, one, many string }{
		{"p", "account", "accounts"}, {"e", "note", "notes"}, {"a", "address", "addresses"}, {"t", "hashtag", "hashtags"},
		{"word", "word", "words"}, {"r", "link", "links"}, {"relay", "relay", "relays"}, {"group", "group", "groups"}, {"emoji", "emoji", "emoji"},
	} {
		if n := t.count(c.tag); n > 0 {
			parts = append(parts, number(n, c.one, c.many))
		}
	}
	what := "nothing that others can see"
	if len(parts) > 0 {
		what = strings.Join(parts, ", ")
	}
	t.card.Does = "set the " + named(k, t.value("d")) + " to " + what
	t.fact("title", t.value("title"))
	t.list("words", "word", "")
	if t.s.Content != "" {
		t.fact("private", "encrypted, so it cannot be shown")
	}
}

// profileFields are the fields of a profile that are told one by one, and what they are called.
var profileFields = [...][2]string{
	{"name", "name"}, {"about", "about the account"}, {"display_name", "shown as"}, {"nip05", "address"}, {"lud16", "lightning"}, {"lud06", "lightning"},
	{"website", "website"}, {"picture", "picture"}, {"banner", "banner"}, {"bot", "bot"},
}

// fieldName is what a field of a profile is called; one that is not known, by its own name.
func fieldName(field string) string {
	for _, f := range profileFields {
		if f[0] == field {
			return f[1]
		}
	}
	return field
}

func (t *teller) profile() {
	t.card.Does = "set the account's profile"
	var fields map[string]any
	if json.Unmarshal([]byte(t.s.Content), &fields) != nil {
		t.warn("the profile cannot be read by apps: it is not written as JSON")
		t.text("content", t.s.Content)
		return
	}
	if len(fields) == 0 {
		t.warn("the profile is empty: name, picture and all else would be gone")
	}
	for _, f := range profileFields {
		if v, ok := fields[f[0]].(string); ok && f[0] != "about" {
			t.fact(f[1], v)
		}
		if v, ok := fields[f[0]].(bool); ok && v {
			t.fact(f[1], "yes")
		}
	}
	about, _ := fields["about"].(string)
	if n, _ := fields["name"].(string); n != "" {
		t.card.Does = "set the account's profile, with the name " + quoted(n)
	}
	t.text("about the account", about)
}

// long tells articles and what has a place and a time.
func (t *teller) long(k nostr.Kind) bool {
	title := orWords(t.value("title"), t.value("name"))
	if title == "" {
		title = t.value("d")
	}
	switch k {
	case 30023, 30818:
		t.card.Does = "publish " + article(name(k))
		if title != "" {
			t.card.Does += " titled " + quoted(title)
		}
	case 30024, 31234, 30403:
		t.card.Does = "save " + article(name(k))
		if title != "" {
			t.card.Does += " titled " + quoted(title)
		}
	case 31922, 31923, 30311:
		t.card.Does = "announce " + article(name(k)) + ": " + quoted(title)
		t.when("starts", "start", "starts")
		t.when("ends", "end", "ends")
		t.fact("place", t.value("location"))
		t.fact("status", t.value("status"))
		t.fact("stream", t.value("streaming"))
	case 30402:
		t.card.Does = "offer " + quoted(title)
		for _, tag := range t.s.Tags {
			if len(tag) > 2 && tag[0] == "price" {
				t.fact("price", tag[1]+" "+tag[2])
			}
		}
		t.fact("place", t.value("location"))
	case 34550:
		t.card.Does = "describe the community " + quoted(title)
	default:
		return false
	}
	t.fact("summary", t.value("summary"))
	if k == 30023 || k == 30024 {
		if n := len(strings.Fields(t.s.Content)); n > 0 {
			t.fact("length", number(n, "word", "words"))
		}
		t.fact("named", t.value("d"))
	}
	t.text("text", t.s.Content)
	return true
}

// when adds a time that is a date or unix seconds.
func (t *teller) when(fact string, tags ...string) {
	for _, tag := range tags {
		if at := t.seconds(tag); at != 0 {
			t.fact(fact, at.words(t.o.Now))
			return
		}
		if v := t.value(tag); v != "" {
			t.fact(fact, bunker.Display(v, 40))
			return
		}
	}
}
