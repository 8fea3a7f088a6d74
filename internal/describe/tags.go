package describe

import (
	"strconv"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// value is the second element of the first tag of a name, "" without one.
func (t *teller) value(name string) string {
	for _, tag := range t.s.Tags {
		if len(tag) > 1 && tag[0] == name {
			return tag[1]
		}
	}
	return ""
}

// values are the second elements of all tags of a name.
func (t *teller) values(name string) (out []string) {
	for _, tag := range t.s.Tags {
		if len(tag) > 1 && tag[0] == name {
			out = append(out, tag[1])
		}
	}
	return out
}

// count is how many tags of a name there are, kept or not.
func (t *teller) count(name string) int {
	if n, cut := t.s.Counts[name]; cut {
		return n
	}
	n := 0
	for _, tag := range t.s.Tags {
		if len(tag) > 0 && tag[0] == name {
			n++
		}
	}
	return n
}

// note is an event's id as people write it.
func note(hex string) string {
	id, err := nostr.ParseID(hex)
	if err != nil {
		return "an event that is not named properly"
	}
	return Short(nip19.EncodeNote(id))
}

// who is a pubkey in hex as people write it, and adds it to those mentioned.
func (t *teller) who(hex, as string) string {
	p, err := nostr.ParsePubKey(hex)
	if err != nil {
		return "somebody who is not named properly"
	}
	return t.person(p, as)
}

// address is an "a" tag's value in words: kind, name, author.
func (t *teller) address(a string) string {
	kind, rest, _ := strings.Cut(a, ":")
	author, d, ok := strings.Cut(rest, ":")
	k, good := nostr.ParseKind(kind)
	if !ok || !good {
		return "an address that is not written properly"
	}
	words := "the " + name(k)
	if d != "" {
		words += " " + quoted(d)
	}
	return words + " by " + t.who(author, "author")
}

// quoted is an app's word within a sentence.
func quoted(s string) string { return "“" + bunker.Display(s, 80) + "”" }

// name is what a kind is called within a sentence.
func name(k nostr.Kind) string {
	if n := k.Name(); n != "" {
		return n
	}
	return "event of kind " + strconv.Itoa(int(k))
}

// article puts "a" or "an" before a noun.
func article(noun string) string {
	if noun != "" && strings.ContainsRune("aeiou", rune(noun[0])) && !strings.HasPrefix(noun, "user") && !strings.HasPrefix(noun, "one") {
		return "an " + noun
	}
	return "a " + noun
}

// number is a count with its noun.
func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// mentions adds what tags say beside the sentence: people, places, the end.
func (t *teller) mentions() {
	for _, tag := range t.s.Tags {
		if len(tag) < 2 || tag[0] != "p" {
			continue
		}
		as := t.listed()
		if len(tag) > 3 && (tag[3] == "mention" || tag[3] == "author" || tag[3] == "speaker" || tag[3] == "host") {
			as = tag[3]
		}
		t.who(tag[1], as)
	}
	if more := t.count("p") - len(t.values("p")); more > 0 {
		t.card.PeopleLeft += more
	}
	if *t.s.Kind != 24242 { // there it is the verb
		t.list("hashtags", "t", "#")
	}
	t.fact("subject", t.value("subject"))
	if h := t.value("h"); h != "" {
		t.fact("group", h)
	}
	if w := t.value("content-warning"); w != "" || len(t.values("content-warning")) > 0 {
		t.fact("content warning", orWords(w, "yes"))
	}
	if at := t.seconds("expiration"); at != 0 {
		t.fact("expires", at.words(t.o.Now))
	}
	if l := t.values("zap"); len(l) > 0 {
		t.fact("zaps go to", number(len(l), "account", "accounts"))
	}
	if t.count("-") > 0 {
		t.fact("protected", "relays are asked to take it from its author only")
	}
	if n := t.value("nonce"); n != "" {
		t.fact("proof of work", "yes")
	}
}

// listed is what people in p tags are to the event.
func (t *teller) listed() string {
	switch k := nostr.Kind(*t.s.Kind); {
	case k == 3:
		return "follows"
	case k.IsReplaceable(), k >= 30000 && k <= 30015, k == 39089, k == 39092:
		return "listed"
	}
	return "mentioned"
}

// list joins the values of a tag into one fact.
func (t *teller) list(fact, tag, prefix string) {
	var words []string
	vals := t.values(tag)
	for i, v := range vals {
		if i == 12 && !t.o.Full {
			words = append(words, "… and "+strconv.Itoa(len(vals)-i)+" more")
			break
		}
		words = append(words, prefix+bunker.Display(v, 60))
	}
	t.fact(fact, strings.Join(words, ", "))
}

func orWords(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
