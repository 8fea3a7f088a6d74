package describe

import (
	"encoding/json"
	"fmt"
	"strconv"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// other tells what is no signature: a login, an encryption, a decryption.
func (t *teller) other() {
	switch nip46.Method(t.s.Method) {
	case nip46.Connect:
		t.login()
	case nip46.NIP44Encrypt, nip46.NIP04Encrypt:
		t.card.Does = "encrypt " + t.plain() + " for " + t.peer("recipient")
		t.old(nip46.NIP04Encrypt)
	case nip46.NIP44Decrypt, nip46.NIP04Decrypt:
		t.card.Does = "read what was encrypted between the account and " + t.peer("other party")
		if t.self() {
			t.card.Does = "read what the account keeps encrypted for itself"
			t.warn("these are its private lists, drafts, money and the secrets of apps")
		}
		t.fact("size", Bytes(t.s.Size))
		t.old(nip46.NIP04Decrypt)
	default:
		t.card.Does = "do " + bunker.Display(t.s.Method, 40)
	}
}

// old tells of NIP-04.
func (t *teller) old(method nip46.Method) {
	if nip46.Method(t.s.Method) == method {
		t.fact("method", "NIP-04, the old one")
	}
}

func (t *teller) self() bool {
	p, err := nostr.ParsePubKey(t.s.Peer)
	return err == nil && p == t.o.Key
}

func (t *teller) peer(as string) string {
	if t.self() {
		return "the account itself"
	}
	return t.who(t.s.Peer, as)
}

// plain tells the text that is to be encrypted: what kind of thing it is, and its
// words.
func (t *teller) plain() string {
	var inner struct {
		Kind    *nostr.Kind `json:"kind"`
		Content *string     `json:"content"`
	}
	if json.Unmarshal([]byte(t.s.Content), &inner) == nil && inner.Kind != nil && inner.Content != nil {
		t.text("the "+name(*inner.Kind)+" says", *inner.Content)
		if *inner.Kind == 13 {
			return "a sealed message"
		}
		return article(name(*inner.Kind))
	}
	t.text("text to encrypt", t.s.Content)
	if hidden(t.s.Content) {
		t.warn("its text holds hidden characters, or such that turn the direction of writing; they are left out here")
	}
	var entries [][]string
	if json.Unmarshal([]byte(t.s.Content), &entries) == nil && len(entries) > 0 {
		return "a private list of " + number(len(entries), "entry", "entries")
	}
	return "a text"
}

// maxRights is how many rights of a login are told at most.
const maxRights = 40

// login tells what a new app wants.
func (t *teller) login() {
	t.card.Does = "log in"
	list, ignored := nip46.RequestedPermissions(t.s.Perms)
	for i, p := range list {
		if i == maxRights {
			t.fact("wants", fmt.Sprintf("… and %d more", len(list)-i))
			break
		}
		words, why := Right(p)
		t.fact("wants", words)
		if why != "" {
			t.warn("to " + words + ": " + why)
		}
	}
	if len(list) == 0 {
		t.fact("wants", "nothing in advance: each thing would be asked")
	}
	if len(ignored) > 0 {
		t.fact("wants", number(len(ignored), "right that this bunker does not know", "rights that this bunker does not know"))
	}
	if a := t.s.App; a != nil {
		t.fact("its name", a.Name)
		t.fact("its page", a.URL)
	}
}

func parseSize(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

// Bytes is a size as people say it.
func Bytes(n int64) string {
	switch {
	case n < 0:
		return "0 bytes"
	case n == 1:
		return "1 byte"
	case n < 10_000:
		return strconv.FormatInt(n, 10) + " bytes"
	case n < 10_000_000:
		return strconv.FormatInt(n/1000, 10) + " kB"
	}
	return strconv.FormatInt(n/1_000_000, 10) + " MB"
}
