package policy

import (
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// Care says how an operation is treated beyond its grants (security.md section
// 2, Kinds and operations that need special care). What is never allowed is
// not here: the vault refuses it below every policy.
type Care uint8

const (
	// Plain: "all" covers it.
	Plain Care = iota
	// Named: only a permission that names it covers it, "all" does not.
	Named
	// MustAsk: only a person may allow it, once at a time.
	MustAsk
)

// Skew is how far created_at may be from now before it counts as back-dating,
// and how long a "once" answer holds around now (seconds).
const Skew = 15 * 60

// careOf returns the treatment of o and, unless it is Plain, what people are
// told about it.
func careOf(o *Operation, key *bunker.UserKey, nowMS int64) (Care, string) {
	switch o.Method {
	case nip46.SignEvent:
		if care, why := careOfKind(o.Template.Kind, o.Seen); care != Plain {
			return care, why
		}
		if OffDate(o.Template.CreatedAt, nowMS) {
			return Named, "the event is dated more than 15 minutes from now"
		}
	case nip46.NIP04Decrypt, nip46.NIP44Decrypt:
		if o.Peer == key.PubKey {
			return Named, "it decrypts what the account keeps for itself: lists, drafts, money, app secrets"
		}
		if o.Method == nip46.NIP04Decrypt && key.NpubLogin {
			return Named, "NIP-04 messages can be altered on their way, and this key hears apps under its own npub"
		}
	}
	return Plain, ""
}

// kindRange is a row of the table.
type kindRange struct {
	from, to nostr.Kind
	care     Care
	why      string
}

// careTable is searched in order; the first row that holds the kind wins.
var careTable = [...]kindRange{
	{24134, 24134, MustAsk, "it logs in as administrator of a bunker"},
	{62, 62, MustAsk, "it asks every relay to erase the account, for ever"},
	{27235, 27235, Named, "it logs in to a website (HTTP auth)"},
	{22242, 22242, Named, "it logs in to a relay, which can then show direct messages"},
	{24242, 24242, Named, "it uploads or deletes files (Blossom)"},
	{23194, 23197, Named, "it speaks to a wallet and can spend money"},
	{13194, 13194, Named, "it speaks for a wallet"},
	{20000, 29999, Named, "events of this kind are often credentials"},
	{14, 15, Named, "signing a private message unmasks its author and ends its deniability"},
	{1059, 1059, Named, "a gift wrap signed by the account unmasks its author"},
	{10002, 10002, Named, "it changes the account's relays"},
	{10050, 10050, Named, "it changes where direct messages are delivered"},
	{10013, 10013, Named, "it changes where drafts are kept"},
	{5, 5, Named, "it deletes events"},
	{443, 444, Named, "it joins encrypted groups"},
	{9000, 9030, Named, "it administers groups"},
	{28934, 28936, Named, "it joins or leaves communities"},
	{31989, 31990, Named, "it recommends apps"},
}

// careOfKind returns the treatment of signing an event of kind k.
func careOfKind(k nostr.Kind, seen bool) (Care, string) {
	if k == 4 || k == 13 {
		if seen {
			return Plain, ""
		}
		return Named, "it is a direct message whose content cannot be shown"
	}
	for _, r := range &careTable {
		if k >= r.from && k <= r.to {
			return r.care, r.why
		}
	}
	return Plain, ""
}
