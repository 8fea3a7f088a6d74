package policy

import (
	"sync"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// Right is a right set: what a person means by a word, as rules name it.
type Right struct {
	Name  string
	Means string // one sentence, for people
	parts []part
}

// part is one thing that a rule, or a right set, speaks of.
type part struct {
	method nip46.Method
	kinds  []bunker.KindRange     // of sign_event; nil: every kind
	result []bunker.DecryptResult // of decrypt; nil: every result
	// names: the set is made to allow what needs special care, too.
	names bool
	// but leaves events with this tag value out.
	but [2]string
}

func kinds(list ...nostr.Kind) []bunker.KindRange {
	out := make([]bunker.KindRange, len(list))
	for i, k := range list {
		out[i] = bunker.KindRange{From: k, To: k}
	}
	return out
}

func signing(names bool, list ...nostr.Kind) part {
	return part{method: nip46.SignEvent, kinds: kinds(list...), names: names}
}

// encrypting and decrypting are both schemes'.
func encrypting() []part { return []part{{method: nip46.NIP44Encrypt}, {method: nip46.NIP04Encrypt}} }

func decrypting(names bool, results ...bunker.DecryptResult) []part {
	return []part{
		{method: nip46.NIP44Decrypt, result: results, names: names}, {method: nip46.NIP04Decrypt, result: results, names: names},
	}
}

func together(lists ...[]part) (out []part) {
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// Rights returns the right sets in order of their names. None but those that say
// so allow what needs special care: a rule must name that kind.
func Rights() []Right {
	one := func(p ...part) []part { return p }
	return []Right{
		{"articles", "write long articles and their drafts (kinds 30023, 30024)", one(signing(false, 30023, 30024))},
		{"chat", "write in public chats and groups (kinds 9, 42, 1311)", one(signing(false, 9, 42, 1311))},
		{"delete", "delete events (kind 5)", one(signing(true, 5))},
		{"direct-messages", "read and write direct messages (encrypt, decrypt what is a wrap or a message, kinds 4 and 13 of what was encrypted here a moment ago)",
			together(encrypting(), decrypting(false, bunker.ResultWrap, bunker.ResultDM), one(signing(false, 4, 13)))},
		{"everything", "every method and kind, but what needs special care", one(
			part{method: nip46.SignEvent}, part{method: nip46.NIP44Encrypt}, part{method: nip46.NIP44Decrypt},
			part{method: nip46.NIP04Encrypt}, part{method: nip46.NIP04Decrypt})},
		{"files", "upload files, not delete them (Blossom's kind 24242 but its verb delete; kind 1063)",
			one(part{method: nip46.SignEvent, kinds: kinds(24242), names: true, but: [2]string{"t", "delete"}}, signing(false, 1063))},
		{"follow", "follow and unfollow (kinds 3, 30000, 39089)", one(signing(false, 3, 30000, 39089))},
		{"lists", "change lists that are not the follow list: mutes, bookmarks, pins, interests, emoji (kinds 10000, 10001, 10003–10009, 10012, 10015, 10020, 10030, 10101, 10102, 30002–30007, 30015, 30030, 30063, 30267, 39092)",
			one(signing(false, 10000, 10001, 10003, 10004, 10005, 10006, 10007, 10008, 10009, 10012, 10015, 10020, 10030, 10101, 10102,
				30002, 30003, 30004, 30005, 30006, 30007, 30015, 30030, 30063, 30267, 39092))},
		{"logins", "log in to relays and websites (kinds 22242, 27235); bind it by the tags relay and u", one(signing(true, 22242, 27235))},
		{"post", "write notes, comments, pictures, videos, voice messages and polls (kinds 1, 11, 20, 21, 22, 1018, 1068, 1111, 1222, 1244)",
			one(signing(false, 1, 11, 20, 21, 22, 1018, 1068, 1111, 1222, 1244))},
		{"private-data", "read and write what the account encrypts to itself: private lists, drafts, settings (encrypt, decrypt what is the account's own, kinds 30078, 31234)",
			together(encrypting(), decrypting(true, bunker.ResultSelf), one(signing(false, 30078, 31234)))},
		{"profile", "change the profile and the status (kinds 0, 30315)", one(signing(false, 0, 30315))},
		{"react", "react and repost (kinds 6, 7, 16, 17)", one(signing(false, 6, 7, 16, 17))},
		{"read", "read direct messages (decrypt what is a wrap or a message)", decrypting(false, bunker.ResultWrap, bunker.ResultDM)},
		{"relays", "change the lists of relays (kinds 10002, 10050, 10013)", one(signing(true, 10002, 10050, 10013))},
		{"zap", "ask for zaps (kind 9734); paying is the wallet's", one(signing(false, 9734))},
	}
}

// rightSets are the parts of every right set, by name; nobody changes them.
var rightSets = sync.OnceValue(func() map[string][]part {
	sets := map[string][]part{}
	for _, r := range Rights() {
		sets[r.Name] = r.parts
	}
	return sets
})

// KnownRight reports whether there is a right set of that name.
func KnownRight(name string) bool {
	_, ok := rightSets()[name]
	return ok
}
