package text

import (
	"fmt"
	"strconv"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// rightPhrases are the right sets as they stand behind "may".
var rightPhrases = map[string][]string{
	"articles": {"write articles"}, "chat": {"chat"}, "delete": {"delete events"}, "direct-messages": {"read and write direct messages"},
	"everything": {"do everything that needs no special care"}, "files": {"upload files"}, "follow": {"follow", "unfollow"}, "lists": {"change its lists"},
	"logins": {"log in to relays and websites"}, "post": {"post"}, "private-data": {"read and write private data"}, "profile": {"change the profile"},
	"react": {"react", "repost"}, "read": {"read direct messages"}, "relays": {"change the lists of relays"}, "zap": {"ask for zaps"},
}

// kindPhrases are kinds for which there is a verb. Kinds that share one are told
// once.
var kindPhrases = map[nostr.Kind]string{
	0: "change the profile", 1: "post notes", 3: "change the follow list", 4: "send direct messages of the old form", 5: "delete events",
	6: "repost", 16: "repost", 7: "react", 17: "react to websites", 9: "chat", 13: "seal private messages", 20: "post pictures", 21: "post videos", 22: "post videos",
	62: "erase the account everywhere", 1068: "make polls", 1018: "answer polls", 1111: "comment", 1311: "chat in live events", 1984: "report abuse",
	9734: "ask for zaps", 9802: "highlight", 10000: "change the mute list", 10002: "change the list of relays", 10003: "change bookmarks",
	10050: "change where direct messages arrive", 22242: "log in to relays", 23194: "send wallet requests", 24242: "use media servers", 27235: "log in to websites",
	30023: "publish articles", 30024: "save drafts of articles", 30078: "save app data", 30315: "set the status", 31922: "publish calendar events", 31923: "publish calendar events",
}

// maxPhrases is how many things of one sort a sentence names.
const maxPhrases = 8

// whatOf are the things that a rule is about, each as it stands behind "may".
func whatOf(r *bunker.Rule) []string {
	var out []string
	for _, name := range r.Rights {
		if p, ok := rightPhrases[name]; ok {
			out = append(out, p...)
		} else {
			out = append(out, strings.ReplaceAll(clip(name), "-", " "))
		}
	}
	if len(out) > 0 && len(r.Kinds) > 0 {
		out = []string{andList(out) + " (only " + kindNumbers(r.Kinds, false) + ")"}
	}
	if len(r.Rights) == 0 && len(r.Kinds) > 0 {
		out = kindWords(r.Kinds, r.Effect)
	}
	for _, m := range methodWords(r) {
		if len(r.Kinds) == 0 || !m.event {
			out = append(out, m.words)
		}
	}
	if len(out) > 0 {
		return out
	}
	switch {
	case len(r.Results) > 0:
		return []string{"decrypt " + resultWords(r)}
	case len(r.Peers) > 0:
		return []string{"encrypt", "decrypt"}
	case len(r.Tags) > 0 || r.Content != nil || r.MaxSkew != 0:
		return []string{anyEvent(r.Effect)}
	case r.Effect == bunker.Allow:
		return rightPhrases["everything"]
	}
	return []string{"do anything"}
}

func anyEvent(e bunker.Effect) string {
	if e == bunker.Allow {
		return "sign whatever needs no special care"
	}
	return "sign any event"
}

type methodPhrase struct {
	words string
	event bool // of sign_event
}

// methodWords are the methods, both schemes of encryption as one.
func methodWords(r *bunker.Rule) (out []methodPhrase) {
	has := func(m nip46.Method) bool { return contains(r.Methods, string(m)) }
	if has(nip46.SignEvent) {
		out = append(out, methodPhrase{anyEvent(r.Effect), true})
	}
	scheme := func(new, old bool, words string) {
		switch {
		case new && old:
			out = append(out, methodPhrase{words: words})
		case new:
			out = append(out, methodPhrase{words: words + " (NIP-44 only)"})
		case old:
			out = append(out, methodPhrase{words: words + " (NIP-04 only)"})
		}
	}
	new, old := has(nip46.NIP44Encrypt), has(nip46.NIP04Encrypt)
	if len(r.Results) == 0 && (new || old) && new == has(nip46.NIP44Decrypt) && old == has(nip46.NIP04Decrypt) {
		scheme(new, old, "encrypt or decrypt")
		return out
	}
	scheme(new, old, "encrypt")
	words := "decrypt"
	if len(r.Results) > 0 {
		words += " " + resultWords(r)
	}
	scheme(has(nip46.NIP44Decrypt), has(nip46.NIP04Decrypt), words)
	return out
}

// resultWords say what decryptions bring to light.
func resultWords(r *bunker.Rule) string {
	var out []string
	for _, d := range r.Results {
		switch d {
		case bunker.ResultWrap:
			out = append(out, "wraps of messages")
		case bunker.ResultDM:
			out = append(out, "direct messages")
		case bunker.ResultSelf:
			out = append(out, "what the account keeps for itself")
		default:
			out = append(out, "what is neither a message nor the account's own")
		}
	}
	if r.Effect == bunker.Deny {
		return orList(out)
	}
	return andList(out)
}

// kindWords are kinds by their verbs, and those without one by name and number.
func kindWords(kinds []bunker.KindRange, e bunker.Effect) []string {
	if setOf(kinds).holds(everyKindSet()) {
		return []string{anyEvent(e)}
	}
	var out []string
	var others []bunker.KindRange
	for _, k := range kinds {
		phrase, ok := kindPhrases[k.From]
		switch {
		case !ok || k.From != k.To:
			others = append(others, k)
		case !contains(out, phrase):
			out = append(out, phrase)
		}
	}
	if n := len(out) - maxPhrases; n > 0 {
		out = append(out[:maxPhrases], fmt.Sprintf("sign events of %d kinds more", n))
	}
	if len(others) > 0 {
		out = append(out, "sign events of "+kindNumbers(others, true))
	}
	return out
}

// kindNumbers is "kind 1234 (name)", "kinds 1, 7 and 30000–39999".
func kindNumbers(kinds []bunker.KindRange, names bool) string {
	var out []string
	for i, k := range kinds {
		if i == maxPhrases {
			out = append(out, fmt.Sprintf("%d more", len(kinds)-i))
			break
		}
		switch name := k.From.Name(); {
		case k.From != k.To:
			out = append(out, fmt.Sprintf("%d–%d", k.From, k.To))
		case name != "" && names:
			out = append(out, fmt.Sprintf("%d (%s)", k.From, name))
		default:
			out = append(out, strconv.Itoa(int(k.From)))
		}
	}
	word := "kinds "
	if len(kinds) == 1 && kinds[0].From == kinds[0].To {
		word = "kind "
	}
	return word + andList(out)
}
