// Package nip65 is the list of an account's relays (NIP-65, kind 10002): where it
// writes, and where it reads what mentions it.
package nip65

import (
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// Kind is that of relay lists.
const Kind nostr.Kind = 10002

// MaxRelays is how many relays of a list are read. The NIP wants two to four of each sort.
const MaxRelays = 64

// Relay is one relay of a list.
type Relay struct {
	URL   string // as it is written everywhere: nip46.NormalizeRelayURL
	Read  bool
	Write bool
}

// Relays reads a list: each relay once, with all that its tags say. What is no relay's
// address, or has a mark that the NIP does not know, is left out.
func Relays(tags nostr.Tags) []Relay {
	var out []Relay
	for _, t := range tags {
		r, ok := parse(t)
		if !ok {
			continue
		}
		known := false
		for i := range out {
			if out[i].URL == r.URL {
				known = true
				out[i].Read, out[i].Write = out[i].Read || r.Read, out[i].Write || r.Write
			}
		}
		if !known && len(out) < MaxRelays {
			out = append(out, r)
		}
	}
	return out
}

func parse(t nostr.Tag) (Relay, bool) {
	if t.Name() != "r" {
		return Relay{}, false
	}
	u, err := nip46.NormalizeRelayURL(t.Value())
	if err != nil {
		return Relay{}, false
	}
	mark := ""
	if len(t) > 2 {
		mark = t[2]
	}
	switch mark {
	case "":
		return Relay{u, true, true}, true
	case "read":
		return Relay{u, true, false}, true
	case "write":
		return Relay{u, false, true}, true
	}
	return Relay{}, false
}

// Tags writes a list in the place of the relays of tags; tags that are about something
// else stay, behind it. A relay that is there already is spelt as it was: for whoever
// compares lists it is the same one. A relay that is for neither is none.
func Tags(list []Relay, tags nostr.Tags) nostr.Tags {
	spelt := map[string]string{}
	for _, t := range tags {
		if r, ok := parse(t); ok && spelt[r.URL] == "" {
			spelt[r.URL] = t.Value()
		}
	}
	out := nostr.Tags{}
	for _, r := range list {
		u := r.URL
		if had := spelt[u]; had != "" {
			u = had
		}
		switch {
		case r.Read && r.Write:
			out = append(out, nostr.Tag{"r", u})
		case r.Read:
			out = append(out, nostr.Tag{"r", u, "read"})
		case r.Write:
			out = append(out, nostr.Tag{"r", u, "write"})
		}
	}
	for _, t := range tags {
		if t.Name() != "r" {
			out = append(out, t)
		}
	}
	return out
}

// Writes returns the addresses of a list that its author writes to, at most max.
func Writes(list []Relay, max int) []string {
	var out []string
	for _, r := range list {
		if r.Write && len(out) < max {
			out = append(out, r.URL)
		}
	}
	return out
}
