package policy

import (
	"strconv"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

// liveGrants returns the grants that count now.
func liveGrants(in *Input) []bunker.Grant {
	live := make([]bunker.Grant, 0, len(in.Grants))
	for _, g := range in.Grants {
		if g.Connection == in.Connection.ID && g.Live(in.Now) {
			live = append(live, g)
		}
	}
	return live
}

// matches reports whether a grant speaks of the operation at all, special care
// aside.
func matches(g *bunker.Grant, in *Input) bool {
	named, all := permits(g.Permissions, in.Operation)
	return named || all || once(g, in)
}

// allowing returns the grant that allows the operation. One that is not counted
// is preferred, so that nothing is spent without need.
func (v *verdict) allowing() *bunker.Grant {
	var counted *bunker.Grant
	for i := range v.live {
		g := &v.live[i]
		if !v.covers(g) {
			continue
		}
		if g.MaxUses == 0 {
			return g
		}
		if counted == nil {
			counted = g
		}
	}
	return counted
}

// covers reports whether a grant allows the operation under its care.
func (v *verdict) covers(g *bunker.Grant) bool {
	return g != nil && g.Effect == bunker.Allow && allows(g, v.in, v.care)
}

// allows reports whether an allow grant covers the operation under its care.
func allows(g *bunker.Grant, in *Input, care Care) bool {
	if once(g, in) {
		return care != MustAsk || g.MaxUses == 1 // must-ask operations take "once" only
	}
	named, all := permits(g.Permissions, in.Operation)
	switch care {
	case Plain:
		return named || all
	case Named:
		return named
	case MustAsk:
		return false
	}
	return false
}

// once reports whether the grant answers exactly this operation. The event must
// be dated around now, or an old answer could be replayed much later; one of
// another date has it in its digest.
func once(g *bunker.Grant, in *Input) bool {
	if g.OpDigest == ([32]byte{}) {
		return false
	}
	if in.would != nil {
		return in.would.once(g)
	}
	if g.OpDigest != in.Operation.Digest() {
		return false
	}
	if t := in.Operation.Template; t != nil && !in.Operation.OffDate {
		return !OffDate(t.CreatedAt, in.Now)
	}
	return true
}

// permits looks the operation up in a permission string: named by its method
// (and kind), or covered by "all".
func permits(perms string, o *Operation) (named, all bool) {
	for perms != "" {
		var p string
		p, perms, _ = strings.Cut(perms, ",")
		p = strings.TrimSpace(p)
		if p == string(nip46.All) {
			all = true
			continue
		}
		method, param, bound := strings.Cut(p, ":")
		if method != string(o.Method) {
			continue
		}
		if !bound {
			// "sign_event" alone is every kind: it names none, so what needs
			// special care is still asked.
			if o.Method == nip46.SignEvent {
				all = true
			} else {
				named = true
			}
			continue
		}
		if o.Method == nip46.SignEvent && param == strconv.FormatInt(o.Kind(), 10) {
			named = true
		}
	}
	return named, all
}
