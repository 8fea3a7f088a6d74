package describe

import (
	"encoding/json"
	"strconv"
	"strings"

	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
)

// event tells a sign_event.
func (t *teller) event(k nostr.Kind) {
	t.card.Kind = k.Label()
	if _, why := policy.CareOfKind(k); why != "" {
		t.warn(why)
	}
	t.does(k)
	t.mentions()
	t.dated()
	if hidden(t.s.Content) {
		t.warn("its text holds hidden characters, or such that turn the direction of writing; they are left out here")
	}
}

// does finds the teller of a kind; the last one is for every other.
func (t *teller) does(k nostr.Kind) {
	switch {
	case t.posts(k), t.answers(k), t.lists(k), t.logsIn(k), t.private(k), t.long(k):
		return
	}
	t.card.Does = "publish " + article(name(k))
	if k.IsAddressable() && t.value("d") != "" {
		t.card.Does += " " + quoted(t.value("d"))
	}
	t.titled()
	t.about()
	t.text("content", t.s.Content)
}

// titled adds title and the like as facts.
func (t *teller) titled() {
	for _, f := range [][2]string{{"title", "title"}, {"name", "name"}, {"summary", "summary"}, {"description", "description"}, {"link", "r"}} {
		t.fact(f[0], t.value(f[1]))
	}
}

// about tells which events are named.
func (t *teller) about() {
	for _, id := range t.values("e") {
		t.fact("about", note(id))
	}
	for _, a := range t.values("a") {
		t.fact("about", t.address(a))
	}
}

// posts tells what people write every day.
func (t *teller) posts(k nostr.Kind) bool {
	switch k {
	case 1:
		t.card.Does = t.postOrReply()
	case 1111, 1244:
		t.card.Does = "comment on " + t.target()
	case 9, 10, 12, 42, 1311:
		t.card.Does = "send " + article(name(k))
		if h := t.value("h"); h != "" {
			t.card.Does += " to the group " + quoted(h)
		} else if a := t.value("a"); a != "" {
			t.card.Does += " to " + t.address(a)
		}
	case 11, 20, 21, 22, 24, 1222, 34235, 34236:
		t.card.Does = "publish " + article(name(k))
		if title := t.value("title"); title != "" {
			t.card.Does += " titled " + quoted(title)
		}
		if n := t.count("imeta"); n > 0 {
			t.fact("files", strconv.Itoa(n))
		}
	case 1068:
		t.card.Does = "start a poll"
		for _, tag := range t.s.Tags {
			if len(tag) > 2 && tag[0] == "option" {
				t.fact("option", tag[2])
			}
		}
		if end := t.seconds("endsAt"); end != 0 {
			t.fact("ends", end.words(t.o.Now))
		}
	default:
		return false
	}
	t.text("text", t.s.Content)
	return true
}

func (t *teller) postOrReply() string {
	does := "post a short note"
	if to := t.repliesTo(); to != "" {
		does = "reply to " + note(to)
		if p := t.value("p"); p != "" {
			does += " by " + t.who(p, "author")
		}
	}
	if q := t.value("q"); q != "" {
		if strings.Contains(q, ":") {
			return does + ", quoting " + t.address(q)
		}
		return does + ", quoting " + note(q)
	}
	return does
}

// repliesTo is the event that a note answers (NIP-10), "" for none.
func (t *teller) repliesTo() (id string) {
	root := ""
	for _, tag := range t.s.Tags {
		if len(tag) < 2 || tag[0] != "e" {
			continue
		}
		marker := ""
		if len(tag) > 3 {
			marker = tag[3]
		}
		switch marker {
		case "reply":
			return tag[1]
		case "root":
			root = tag[1]
		case "":
			id = tag[1] // the old way: the last one
		}
	}
	if id == "" {
		return root
	}
	return id
}

// target is what a comment, reaction or report is about.
func (t *teller) target() string {
	by := ""
	if p := t.values("p"); len(p) > 0 {
		by = " by " + t.who(p[len(p)-1], "author")
	}
	k := ""
	if n, ok := nostr.ParseKind(t.value("k")); ok && n != 1 {
		k = " (" + name(n) + ")"
	}
	switch {
	case t.value("a") != "":
		return t.address(t.value("a"))
	case t.value("A") != "" && t.value("e") == "":
		return t.address(t.value("A"))
	case t.value("e") != "":
		ids := t.values("e")
		return note(ids[len(ids)-1]) + k + by
	case t.value("i") != "":
		return quoted(t.value("i"))
	case t.value("r") != "":
		return quoted(t.value("r"))
	case by != "":
		return "something" + by
	}
	return "nothing that is named"
}

// answers tells what refers to other events.
func (t *teller) answers(k nostr.Kind) bool {
	switch k {
	case 7, 17:
		t.card.Does = reactWords(t.s.Content) + " " + t.target()
	case 6, 16:
		t.card.Does = "repost " + t.target()
		t.quoted()
	case 5:
		t.deletes()
	case 62:
		where := strings.Join(t.values("relay"), ", ")
		if strings.Contains(where, "ALL_RELAYS") || where == "" {
			where = "every relay"
		}
		t.card.Does = "ask " + where + " to erase the account for ever"
		t.warn("nobody can undo this")
		t.text("reason", t.s.Content)
	case 1984:
		t.card.Does = "report " + t.target()
		if t.value("e") == "" && t.value("a") == "" && t.value("p") != "" {
			t.card.Does = "report " + t.who(t.value("p"), "reported")
		}
		for _, tag := range t.s.Tags {
			if len(tag) > 2 && (tag[0] == "e" || tag[0] == "p") {
				t.fact("for", tag[2])
			}
		}
		t.text("text", t.s.Content)
	case 9734:
		t.zaps()
	case 1985:
		t.card.Does = "label " + t.target()
		t.list("labels", "l", "")
	case 9802:
		t.card.Does = "highlight a passage of " + t.target()
		t.text("passage", t.s.Content)
	case 1018:
		t.card.Does = "vote in the poll " + note(t.value("e"))
		t.list("for", "response", "")
	case 31925:
		t.card.Does = "answer " + quoted(orWords(t.value("status"), "?")) + " to " + t.address(t.value("a"))
		t.text("text", t.s.Content)
	case 31989:
		t.card.Does = "recommend an app for " + kindWord(t.value("d"))
		t.list("app", "a", "")
	case 4550:
		t.card.Does = "let a post into the community " + t.address(t.value("a"))
		t.quoted()
	default:
		return false
	}
	return true
}

func kindWord(d string) string {
	k, ok := nostr.ParseKind(d)
	if !ok {
		return quoted(d)
	}
	return k.Label()
}

func reactWords(content string) string {
	switch content {
	case "+", "":
		return "like"
	case "-":
		return "dislike"
	}
	return "react with " + quoted(content) + " to"
}

// quoted shows the event that a repost carries along.
func (t *teller) quoted() {
	var inner struct {
		Content string     `json:"content"`
		PubKey  string     `json:"pubkey"`
		Kind    nostr.Kind `json:"kind"`
	}
	if json.Unmarshal([]byte(t.s.Content), &inner) != nil {
		if t.s.Content != "" {
			t.text("content", t.s.Content)
		}
		return
	}
	t.text("the "+name(inner.Kind)+" says", inner.Content)
}

func (t *teller) deletes() {
	n := t.count("e") + t.count("a")
	t.card.Does = "delete " + number(n, "event", "events")
	for _, k := range t.values("k") {
		t.fact("of kind", kindWord(k))
	}
	t.about()
	t.text("reason", t.s.Content)
}

func (t *teller) zaps() {
	t.card.Does = "prepare a zap"
	if n, err := strconv.ParseUint(t.value("amount"), 10, 63); err == nil {
		t.card.Does = "prepare a zap of " + strconv.FormatUint(n/1000, 10) + " sats"
	}
	if p := t.value("p"); p != "" {
		t.card.Does += " to " + t.who(p, "recipient")
	}
	if e := t.value("e"); e != "" {
		t.card.Does += " for " + note(e)
	}
	t.text("comment", t.s.Content)
}

// hidden reports characters that change what is read without being seen. The
// joiners and selectors of ordinary emoji are none.
func hidden(s string) bool {
	for _, r := range s {
		switch {
		case r < ' ' && r != '\n' && r != '\r' && r != '\t', r == 0x7f,
			r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200b, r == 0x2060, r == 0xfeff,
			r >= 0xe0000 && r <= 0xe001f:
			return true
		}
	}
	return false
}
