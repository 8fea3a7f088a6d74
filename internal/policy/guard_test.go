package policy

import (
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
)

// What the guard finds is asked whatever is granted, and answered by a person's yes
// to this very event alone.
func TestTheGuardOutranksWhatIsGranted(t *testing.T) {
	op := sign(3)
	once := bunker.Grant{ID: "x", Connection: "c", Effect: bunker.Allow, OpDigest: op.Digest(), MaxUses: 1, Answers: AnswersGuard}
	for name, c := range map[string]struct {
		perms []string
		grant func(g *bunker.Grant)
		want  bunker.Effect
	}{
		"all":                  {[]string{"all"}, nil, bunker.Ask},
		"the kind by its name": {[]string{"sign_event:3"}, nil, bunker.Ask},
		"nothing":              {nil, nil, bunker.Ask},
		"a yes to it":          {[]string{"all"}, func(*bunker.Grant) {}, bunker.Allow},
		"a yes, nothing else":  {nil, func(*bunker.Grant) {}, bunker.Allow},
		"a yes to it and more": {[]string{"all"}, func(g *bunker.Grant) { g.Answers = "default,guard" }, bunker.Allow},
		"a yes to the default": {[]string{"all"}, func(g *bunker.Grant) { g.Answers = AnswersDefault }, bunker.Ask},
		"a yes for ever":       {[]string{"all"}, func(g *bunker.Grant) { g.MaxUses = 0 }, bunker.Ask},
		"a yes that is spent":  {[]string{"all"}, func(g *bunker.Grant) { g.Uses = 1 }, bunker.Ask},
		"a yes to another":     {[]string{"all"}, func(g *bunker.Grant) { g.OpDigest = sign(0).Digest() }, bunker.Ask},
		"a no":                 {[]string{"all"}, func(g *bunker.Grant) { g.Effect = bunker.Deny }, bunker.Deny},
	} {
		in := with(input(c.perms...), op)
		in.Guard = "5 of 6 entries would be lost"
		if c.grant != nil {
			g := once
			c.grant(&g)
			in.Grants = append(in.Grants, g)
		}
		d := Decide(in)
		if d.Effect != c.want {
			t.Errorf("%s: %v (%s)", name, d.Effect, d.Rule)
		}
		if d.Effect == bunker.Ask && (!d.OnceOnly || !strings.Contains(d.Answers, AnswersGuard) || !strings.Contains(d.Reason, in.Guard)) {
			t.Errorf("%s: %+v", name, d)
		}
		if d.Effect == bunker.Allow && d.Spend != "x" {
			t.Errorf("%s: the yes is not spent: %+v", name, d)
		}
	}
	denies := with(input(), op)
	denies.Key.Default, denies.Guard = bunker.Deny, "x"
	if d := Decide(denies); d.Effect != bunker.Deny {
		t.Errorf("what nothing permits is asked on a key that denies: %+v", d)
	}
}
