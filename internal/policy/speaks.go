package policy

import (
	"slices"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

// Part is one thing that a rule speaks of, for whoever explains or compares rules;
// it decides nothing.
type Part struct {
	Method  nip46.Method
	Kinds   []bunker.KindRange     // of sign_event; nil: every kind
	Results []bunker.DecryptResult // of decrypt; nil: every result
	// Names: the part allows what needs special care, too.
	Names bool
	// But leaves events with this tag value out.
	But [2]string
}

// Speaks returns what a rule's methods and right sets speak of, or every method
// where it names none. Its kinds and results narrow that further.
func Speaks(r *bunker.Rule) ([]Part, error) {
	parts, err := partsOf(r)
	out := make([]Part, len(parts))
	for i, p := range parts {
		out[i] = Part{Method: p.method, Kinds: slices.Clone(p.kinds), Results: slices.Clone(p.result), Names: p.names, But: p.but}
	}
	return out, err
}

// Judged are the methods that rules are about; the others come with being
// connected.
func Judged() []nip46.Method { return judged() }
