package text

import (
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr/nip46"
)

// span is what a rule speaks of, circumstances aside: kinds of sign_event, and
// methods with what they bring to light.
type span struct {
	sign   kindSet
	partly kindSet // but for those events that their right set leaves out
	named  kindSet // kinds with special care that the rule names
	texts  uint16  // bits of textBit
	self   bool    // names what the account keeps for itself
}

// textBit is the place of encrypting, or of one result of decrypting, in a set.
func textBit(m nip46.Method, d bunker.DecryptResult) uint16 {
	const perMethod = 4
	at := 0
	switch m {
	case nip46.NIP04Encrypt:
		return 1
	case nip46.NIP44Encrypt:
		return 2
	case nip46.NIP44Decrypt:
		at = perMethod
	}
	for _, r := range results() {
		if r == string(d) {
			return 4 << at
		}
		at++
	}
	return 0
}

// decrypts04 are the bits of nip04_decrypt.
const decrypts04 = 0xF << 2

func (s *span) empty() bool { return len(s.sign) == 0 && len(s.partly) == 0 && s.texts == 0 }

// spanOf finds what a rule speaks of. Rights and methods are taken together; the
// other parts narrow what they give.
func spanOf(r *bunker.Rule) (s span) {
	events := len(r.Peers) == 0 && len(r.Results) == 0
	texts := len(r.Kinds) == 0 && len(r.Tags) == 0 && r.Content == nil && r.MaxSkew == 0
	kinds := everyKindSet()
	if len(r.Kinds) > 0 {
		kinds = setOf(r.Kinds)
	}
	s.named = namedIn(r.Kinds)
	s.self = contains(r.Results, bunker.ResultSelf)
	parts, err := policy.Speaks(r)
	if err != nil {
		return span{} // the check refuses it
	}
	for _, p := range parts {
		switch {
		case p.Method != nip46.SignEvent && texts:
			s.text(&p, r)
		case p.Method == nip46.SignEvent && events:
			s.event(&p, kinds)
		}
	}
	s.named = s.named.intersect(s.sign.union(s.partly))
	return s
}

// event adds a part that signs.
func (s *span) event(p *policy.Part, kinds kindSet) {
	if p.Kinds != nil {
		kinds = kinds.intersect(setOf(p.Kinds))
	}
	if p.But[0] == "" {
		s.sign = s.sign.union(kinds)
	} else {
		s.partly = s.partly.union(kinds)
	}
	if p.Names {
		s.named = s.named.union(namedIn(p.Kinds))
	}
}

// text adds a part that encrypts or decrypts.
func (s *span) text(p *policy.Part, r *bunker.Rule) {
	if p.Method == nip46.NIP04Encrypt || p.Method == nip46.NIP44Encrypt {
		if len(r.Results) == 0 {
			s.texts |= textBit(p.Method, "")
		}
		return
	}
	for _, name := range results() {
		d := bunker.DecryptResult(name)
		if (p.Results == nil || contains(p.Results, d)) && (len(r.Results) == 0 || contains(r.Results, d)) {
			s.texts |= textBit(p.Method, d)
		}
	}
	s.self = s.self || p.Names && contains(p.Results, bunker.ResultSelf)
}

// holds reports whether s speaks of everything that o speaks of.
func (s *span) holds(o *span) bool {
	return o.texts&^s.texts == 0 && s.sign.holds(o.sign) && (len(o.partly) == 0 || s.sign.union(s.partly).holds(o.partly))
}

// names reports whether s names what o names.
func (s *span) names(o *span) bool { return s.named.holds(o.named) && (s.self || !o.self) }
