package text

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// everyKind is written "all".
const everyKind = "all"

// kindAliases are what people call kinds besides their names in the table of
// internal nostr. A plural is read as its singular.
var kindAliases = map[string]nostr.Kind{
	"note": 1, "text note": 1, "post": 1, "article": 30023, "draft article": 30024, "article draft": 30024,
	"metadata": 0, "contacts": 3, "contact list": 3, "follows": 3, "deletion": 5, "delete": 5, "generic repost": 16,
	"like": 7, "dm": 14, "gift wrap": 1059, "seal": 13, "report": 1984, "zap receipt": 9735,
	"http auth": 27235, "relay auth": 22242, "blossom": 24242, "relays": 10002, "dm relays": 10050,
	"media servers": 10063, "vanish": 62, "status": 30315, "calendar": 31924, "poll response": 1018,
}

// kindIndex finds kinds by name. A name that consecutive kinds share is a range.
var kindIndex = sync.OnceValue(func() map[string]bunker.KindRange {
	index := map[string]bunker.KindRange{}
	for k := 0; k <= math.MaxUint16; k++ {
		name := foldName(nostr.Kind(k).Name())
		if name == "" {
			continue
		}
		r, ok := index[name]
		if !ok {
			r.From = nostr.Kind(k)
		}
		r.To = nostr.Kind(k)
		index[name] = r
	}
	for name, r := range index {
		if short, _, ok := strings.Cut(name, " ("); ok { // "recommended relay (deprecated)"
			if _, taken := index[short]; !taken {
				index[short] = r
			}
		}
	}
	for name, k := range kindAliases {
		if _, taken := index[name]; !taken {
			index[name] = bunker.KindRange{From: k, To: k}
		}
	}
	return index
})

// foldName is a name with case, hyphens and spaces made alike.
func foldName(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ' ' || r == '-' || r == '_' }), " ")
}

// kindNamed finds a kind, or kinds, by name.
func kindNamed(s string) (bunker.KindRange, bool) {
	name := foldName(s)
	r, ok := kindIndex()[name]
	if !ok {
		r, ok = kindIndex()[strings.TrimSuffix(name, "s")]
	}
	return r, ok
}

// parseKinds reads one entry of kinds: a number, "30000-39999", "all" or a name.
func parseKinds(v any) (bunker.KindRange, error) {
	switch v := v.(type) {
	case int64:
		if v < 0 || v > math.MaxUint16 {
			return bunker.KindRange{}, fmt.Errorf("%d is no kind: kinds are 0 to 65535", v)
		}
		return bunker.KindRange{From: nostr.Kind(v), To: nostr.Kind(v)}, nil
	case string:
		return parseKindWord(strings.TrimSpace(v))
	}
	return bunker.KindRange{}, fmt.Errorf("%s is no kind: write a number, a range such as \"30000-39999\", or a name", typeName(v))
}

func parseKindWord(s string) (bunker.KindRange, error) {
	if foldName(s) == everyKind {
		return bunker.KindRange{From: 0, To: math.MaxUint16}, nil
	}
	if r, ok := kindNamed(s); ok {
		return r, nil
	}
	first, last, isRange := strings.Cut(strings.ReplaceAll(s, "–", "-"), "-")
	from, ok := nostr.ParseKind(strings.TrimSpace(first))
	to := from
	if ok && isRange {
		to, ok = nostr.ParseKind(strings.TrimSpace(last))
	}
	if !ok {
		return bunker.KindRange{}, fmt.Errorf("%q is the name of no kind%s", clip(s), nearKind(s))
	}
	if to < from {
		return bunker.KindRange{}, fmt.Errorf("%q begins after it ends: write \"%d-%d\"", clip(s), to, from)
	}
	return bunker.KindRange{From: from, To: to}, nil
}

// nearKind offers the name that s is most like.
func nearKind(s string) string {
	names := make([]string, 0, len(kindIndex()))
	for n := range kindIndex() {
		names = append(names, n)
	}
	sortStrings(names)
	if n := nearest(foldName(s), names); n != "" {
		return fmt.Sprintf("; did you mean %q?", n)
	}
	return "; write its number (https://github.com/nostr-protocol/nips#event-kinds)"
}

// printKinds is parseKinds backwards, as TOML.
func printKinds(r bunker.KindRange) string {
	switch {
	case r.From == 0 && r.To == math.MaxUint16:
		return strconv.Quote(everyKind)
	case r.From == r.To:
		return strconv.Itoa(int(r.From))
	}
	return fmt.Sprintf("\"%d-%d\"", r.From, r.To)
}
