package describe

import (
	"net/url"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// maxPermit is how long the permit for a media server may last by security.md.
const maxPermit = time.Hour

// logsIn tells events that are credentials.
func (t *teller) logsIn(k nostr.Kind) bool {
	switch k {
	case 22242:
		t.card.Does = "log in to the relay " + orWords(bunker.Display(t.value("relay"), MaxValue), "that is not named")
		t.fact("relay", t.value("relay"))
		t.fact("challenge", t.value("challenge"))
		t.one("relay", "challenge")
	case 27235:
		t.httpAuth()
	case 24242:
		t.blossom()
	case 24134:
		t.adminLogin()
	case 24133:
		t.card.Does = "send a remote signing message"
	case 23194, 23195, 23196, 23197:
		t.card.Does = "send " + article(name(k))
		t.warn("it can move money, and what it says cannot be shown")
	case 28934, 28936:
		t.card.Does = strings.TrimPrefix(name(k), "request to ")
	default:
		return k.IsEphemeral() && t.ephemeral(k)
	}
	return true
}

// adminLogin tells of a login to another bunker.
func (t *teller) adminLogin() {
	t.card.Does = "log in as administrator of the bunker " + t.who(t.value("p"), "bunker")
	t.text("it says", t.s.Content)
}

func (t *teller) ephemeral(k nostr.Kind) bool {
	t.card.Does = "sign " + article(name(k)) + ", which relays do not keep"
	t.titled()
	t.text("content", t.s.Content)
	return true
}

// one warns of credentials whose demands are missing or doubled.
func (t *teller) one(tags ...string) {
	for _, tag := range tags {
		if n := t.count(tag); n != 1 {
			t.warn("it has " + number(n, quoted(tag)+" tag", quoted(tag)+" tags") + " where exactly one belongs")
		}
	}
}

func (t *teller) httpAuth() {
	u, method := t.value("u"), strings.ToUpper(t.value("method"))
	host := "a website that is not named"
	if parsed, err := url.Parse(u); err == nil && parsed.Host != "" {
		host = parsed.Host
	}
	t.card.Does = "log in to " + bunker.Display(host, 100)
	t.fact("address", u)
	t.fact("method", method)
	if method != "" && method != "GET" && method != "HEAD" {
		t.warn("with " + bunker.Display(method, 12) + " the website may change something in the account's name")
	}
	if strings.HasPrefix(u, "http://") {
		t.warn("the address is not encrypted (http): whoever is on the way can use this login")
	}
	t.fact("payload", t.value("payload"))
	t.one("u", "method")
}

func (t *teller) blossom() {
	verb := t.value("t")
	switch verb {
	case "upload":
		t.card.Does = "upload a file"
	case "delete":
		t.card.Does = "delete " + number(max(t.count("x"), 1), "file", "files")
		t.warn("files that are deleted are gone for everybody who links to them")
	case "get":
		t.card.Does = "fetch a file"
	case "list":
		t.card.Does = "list the account's files"
	default:
		t.card.Does = "do " + quoted(orWords(verb, "something that is not named")) + " at a media server"
	}
	for i, s := range t.values("server") {
		t.fact("server", s)
		if i == 0 {
			t.card.Does += " at " + bunker.Display(s, 100)
		}
	}
	if t.count("server") == 0 {
		t.card.Does += " at any media server"
	}
	if n, err := parseSize(t.value("size")); err == nil {
		t.fact("size", Bytes(n))
	}
	for _, x := range t.values("x") {
		t.fact("file", x)
	}
	t.text("it says", t.s.Content)
	end := t.seconds("expiration")
	switch {
	case end == 0:
		t.warn("the permit has no end")
	case t.o.Now != 0 && time.Duration(int64(end)-t.o.Now/1000)*time.Second > maxPermit:
		t.warn("the permit lasts for more than an hour")
	}
}

// private tells messages that only some can read.
func (t *teller) private(k nostr.Kind) bool {
	switch k {
	case 4:
		t.card.Does = "send a direct message (old form) to " + t.who(t.value("p"), "recipient")
	case 13:
		t.card.Does = "seal a private message"
	case 14, 15:
		t.card.Does = "sign " + article(name(k)) + " openly"
		t.text("text", t.s.Content)
	case 1059, 21059:
		t.card.Does = "sign a gift wrap, to " + t.who(t.value("p"), "recipient")
		t.fact("content", "encrypted, so it cannot be shown")
	default:
		return false
	}
	return true
}
