package text

import (
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// STAND-IN until the engine's branch is merged: then policy.Rights and
// policy.Speaks.

const embedded = "embedded"

type Part struct {
	Method  nip46.Method
	Kinds   []bunker.KindRange
	Results []bunker.DecryptResult
	Names   bool
	But     [2]string
}

func one(ks ...nostr.Kind) (out []bunker.KindRange) {
	for _, k := range ks {
		out = append(out, bunker.KindRange{From: k, To: k})
	}
	return out
}

func rightParts(name string) []Part {
	switch name {
	case "post":
		return []Part{{Method: "sign_event", Kinds: one(1, 11, 20, 21, 22, 1018, 1068, 1111, 1222, 1244)}}
	case "react":
		return []Part{{Method: "sign_event", Kinds: one(6, 7, 16, 17)}}
	case "delete":
		return []Part{{Method: "sign_event", Kinds: one(5), Names: true}}
	case "files":
		return []Part{{Method: "sign_event", Kinds: one(24242), Names: true, But: [2]string{"t", "delete"}}, {Method: "sign_event", Kinds: one(1063)}}
	case "read":
		return []Part{{Method: "nip44_decrypt", Results: []bunker.DecryptResult{"wrap", "dm"}}, {Method: "nip04_decrypt", Results: []bunker.DecryptResult{"wrap", "dm"}}}
	}
	return nil
}

func rightNames() []string { return []string{"delete", "files", "post", "react", "read"} }

func speaks(r *bunker.Rule) (out []Part) {
	for _, n := range r.Rights {
		out = append(out, rightParts(n)...)
	}
	for _, m := range r.Methods {
		out = append(out, Part{Method: nip46.Method(m)})
	}
	if len(r.Rights) == 0 && len(r.Methods) == 0 {
		for _, m := range ruleMethods() {
			out = append(out, Part{Method: nip46.Method(m)})
		}
	}
	return out
}
