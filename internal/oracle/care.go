package oracle

import (
	"slices"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// row is a row of the design's table of kinds that need special care.
type row struct {
	from, to nostr.Kind
	why      string
	mustAsk  bool
}

// table is those rows that ask; rows that say never are below every decision.
func table() []row {
	return []row{
		{24134, 24134, "is the admin", true},
		{62, 62, "is final", true},
		{27235, 27235, "logs in elsewhere (HTTP)", false},
		{22242, 22242, "logs in elsewhere (relay)", false},
		{24242, 24242, "uploads and deletes", false},
		{23194, 23197, "wallet", false},
		{13194, 13194, "wallet", false},
		{20000, 29999, "credentials to be", false},
		{14, 15, "breaks deniability", false},
		{1059, 1059, "breaks deniability", false},
		{10002, 10002, "relays", false},
		{10050, 10050, "relays of messages", false},
		{10013, 10013, "relays of drafts", false},
		{5, 5, "destroys", false},
		{443, 444, "membership", false},
		{9000, 9030, "groups", false},
		{28934, 28936, "communities", false},
		{31989, 31990, "endorsement", false},
	}
}

// special says what is special about the operation ("" for nothing), and whether
// a person must allow it each time.
func special(c Case) (why string, mustAsk bool) {
	q := c.Request
	switch q.Method {
	case "sign_event":
		if r := rowOf(q.Kind); r != nil {
			return r.why, r.mustAsk
		}
		if unseen(c) {
			return "content cannot be shown", false
		}
		if off := q.CreatedAt - c.Now/1000; off > 15*60 || off < -15*60 {
			return "back-dating", false
		}
	case "nip44_decrypt", "nip04_decrypt":
		if q.Peer == c.Key.PubKey {
			return "what the account keeps for itself", false
		}
		if q.Method == "nip04_decrypt" && c.Key.NpubLogin {
			return "nip04 is malleable, and the key answers apps itself", false
		}
	}
	return "", false
}

func rowOf(k nostr.Kind) *row {
	for _, r := range table() {
		if k >= r.from && k <= r.to {
			return &r
		}
	}
	return nil
}

// unseen: a direct message whose words were not encrypted for this connection.
func unseen(c Case) bool { return (c.Request.Kind == 4 || c.Request.Kind == 13) && !c.Request.Seen }

// cares reports whether an allow rule covers the operation for all its special
// care: a kind must be named, by itself or by a range within its row; a date that
// is off must be spoken of; what the account keeps for itself is a result to be
// named; malleable messages need their peers named.
func cares(c Case, r bunker.Rule) bool {
	q := c.Request
	if q.Method != "sign_event" {
		decrypt := q.Method == "nip04_decrypt" || q.Method == "nip44_decrypt"
		if decrypt && q.Peer == c.Key.PubKey && !slices.Contains(r.Results, bunker.ResultSelf) && !slices.Contains(r.Rights, "private-data") {
			return false
		}
		return q.Method != "nip04_decrypt" || !c.Key.NpubLogin || len(r.Peers) > 0
	}
	care := rowOf(q.Kind)
	if care != nil && care.mustAsk {
		return false
	}
	if (care != nil || unseen(c)) && !kindNamed(r, q.Kind, care) {
		return false
	}
	off := q.CreatedAt - c.Now/1000
	return r.MaxSkew != 0 || off <= 15*60 && off >= -15*60
}

func kindNamed(r bunker.Rule, k nostr.Kind, care *row) bool {
	for _, x := range r.Kinds {
		if k < x.From || k > x.To {
			continue
		}
		if x.From == x.To || care != nil && x.From >= care.from && x.To <= care.to && sameRow(x) {
			return true
		}
	}
	return false
}

// sameRow: the table's first row for every kind of the range is one and the same.
func sameRow(x bunker.KindRange) bool {
	first := rowOf(x.From)
	for k := int(x.From); k <= int(x.To); k++ {
		if r := rowOf(nostr.Kind(k)); r == nil || first == nil || *r != *first {
			return false
		}
	}
	return true
}
