package policy

import (
	"slices"
	"strings"
	"unicode/utf8"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// misfit is the first part of a rule that does not fit an operation.
type misfit uint8

const (
	fits misfit = iota
	// unknown: all else fits, and what the decryption brings to light is not known.
	unknown
	expired
	wrongMethod
	wrongKind
	wrongPeer
	wrongResult
	wrongTag
	wrongDate
	wrongHour
	wrongDoor
	wrongRelay
	wrongContent
	// unnamed: an allow rule fits, but the operation needs special care and the rule
	// does not name it.
	unnamed
)

// facts is one operation as the rules of one policy look at it.
type facts struct {
	in    *Input
	since int64 // when the connection came under the policy, unix ms
	at    local // on the policy's clock
	text  *text
	care  Care // of the kind
	// offDate: created_at is too far from now to be today's.
	offDate bool
}

// text is an event's content, worked on as far as rules need it.
type text struct {
	content string
	length  int // characters; -1: not counted yet
	folded  string
	folds   bool
}

func (t *text) long() int {
	if t.length < 0 {
		t.length = utf8.RuneCountInString(t.content)
	}
	return t.length
}

func (t *text) fold() string {
	if !t.folds {
		t.folded, t.folds = folded(t.content), true
	}
	return t.folded
}

// look prepares the facts of an operation; each policy sets its own clock.
func look(in *Input) facts {
	f := facts{in: in}
	if t := in.Operation.Template; t != nil {
		f.text = &text{content: t.Content, length: -1}
		f.care, _ = careOfKind(t.Kind, in.Operation.Seen)
		f.offDate = OffDate(t.CreatedAt, in.Now)
	}
	return f
}

func (f *facts) under(c *Compiled, since int64) {
	f.since, f.at = since, localAt(f.in.Now, c.zone)
}

// misfit compares a rule with an operation; the cheap parts first.
func (r *rule) misfit(f *facts) misfit {
	now := f.in.Now
	if r.ExpiresAt != 0 && now >= r.ExpiresAt || r.For != 0 && now >= f.since+r.For {
		return expired
	}
	var m misfit
	if t := f.in.Operation.Template; t != nil {
		m = r.speaksOfKind(f, t)
	} else {
		m = r.speaksOfText(f.in.Operation)
	}
	if m != fits && m != unknown {
		return m
	}
	if w := r.circumstances(f); w != fits {
		return w
	}
	if r.event {
		if f.in.Operation.Template == nil {
			return wrongMethod
		}
		if w := r.demands(f); w != fits {
			return w
		}
	}
	if r.Effect == bunker.Allow && m == fits && !r.careful(f) {
		return unnamed
	}
	return m
}

// speaksOfKind reports whether the rule is about signing such an event.
func (r *rule) speaksOfKind(f *facts, t *nostr.Template) misfit {
	if len(r.sign) == 0 || len(r.Peers) > 0 || len(r.Results) > 0 {
		return wrongMethod
	}
	if len(r.Kinds) > 0 && !holds(r.Kinds, t.Kind) {
		return wrongKind
	}
	for i := range r.sign {
		if r.sign[i].speaks(f, t) {
			return fits
		}
	}
	return wrongKind
}

// speaks reports whether a part is about signing such an event.
func (p *part) speaks(f *facts, t *nostr.Template) bool {
	return (p.kinds == nil || holds(p.kinds, t.Kind)) && (p.but[0] == "" || !f.tagged(t.Tags, p.but))
}

// namesKind reports whether the rule names the kind of an event that it speaks of.
func (r *rule) namesKind(f *facts, t *nostr.Template) bool {
	if names(r.Kinds, t.Kind) {
		return true
	}
	for i := range r.sign {
		if p := &r.sign[i]; p.names && p.speaks(f, t) && names(p.kinds, t.Kind) {
			return true
		}
	}
	return false
}

func (f *facts) tagged(tags nostr.Tags, want [2]string) bool {
	if w := f.in.would; w != nil && w.op.Event == nil {
		return w.tagged(want)
	}
	for _, t := range tags {
		if t.Name() == want[0] && t.Value() == want[1] {
			return true
		}
	}
	return false
}

// speaksOfText reports whether the rule is about encrypting or decrypting so.
func (r *rule) speaksOfText(o *Operation) misfit {
	if len(r.texts) == 0 || len(r.Kinds) > 0 || len(r.Results) > 0 && !o.decrypts() {
		return wrongMethod
	}
	m := wrongMethod
	for i := range r.texts {
		p := &r.texts[i]
		if p.method != o.Method {
			continue
		}
		switch {
		case !o.decrypts(), len(r.Results) == 0 && p.result == nil, o.Result != "" && r.speaksOfResult(p, o.Result):
			m = fits
		case o.Result == "" && m != fits:
			m = unknown
		case m == wrongMethod:
			m = wrongResult
		}
	}
	if (m == fits || m == unknown) && len(r.Peers) > 0 && !slices.Contains(r.Peers, o.Peer) {
		return wrongPeer
	}
	return m
}

func (r *rule) speaksOfResult(p *part, result bunker.DecryptResult) bool {
	return (len(r.Results) == 0 || slices.Contains(r.Results, result)) && (p.result == nil || slices.Contains(p.result, result))
}

// namesSelf reports whether the rule names the decryption of what is the account's
// own.
func (r *rule) namesSelf(o *Operation) bool {
	if slices.Contains(r.Results, bunker.ResultSelf) {
		return true
	}
	return slices.ContainsFunc(r.texts, func(p part) bool {
		return p.method == o.Method && p.names && slices.Contains(p.result, bunker.ResultSelf)
	})
}

// circumstances are what is not in the operation: when and how it came.
func (r *rule) circumstances(f *facts) misfit {
	switch {
	case len(r.Hours) > 0 && !during(r.Hours, f.at):
		return wrongHour
	case len(r.Doors) > 0 && !f.entered(r.Doors):
		return wrongDoor
	case len(r.relays) > 0 && !f.came(r.relays):
		return wrongRelay
	}
	return fits
}

// entered reports whether the request came by one of these doors.
func (f *facts) entered(doors []bunker.Door) bool {
	if w := f.in.would; w != nil && f.in.Door == "" {
		return w.is(aboutWay, "it came by "+demand(doors))
	}
	return slices.Contains(doors, f.in.Door)
}

// came reports whether the request came by one of these relays.
func (f *facts) came(relays []string) bool {
	if w := f.in.would; w != nil && f.in.Relay == "" {
		return w.is(aboutWay, "it came by "+strings.Join(relays, " "))
	}
	return slices.Contains(relays, f.in.Relay)
}

// demands compares what the rule demands of an event.
func (r *rule) demands(f *facts) misfit {
	t := f.in.Operation.Template
	if w := f.in.would; w != nil && w.op.Event == nil {
		return w.demands(r, t)
	}
	if r.MaxSkew != 0 {
		d := t.CreatedAt - f.in.Now/1000
		if d > r.MaxSkew || d < -r.MaxSkew {
			return wrongDate
		}
	}
	for i := range r.Tags {
		if !tagFits(&r.Tags[i], t.Tags) {
			return wrongTag
		}
	}
	if c := r.Content; c != nil {
		switch {
		case c.MinLength > 0 && f.text.long() < c.MinLength,
			c.MaxLength > 0 && f.text.long() > c.MaxLength,
			len(r.words) > 0 && !slices.ContainsFunc(r.words, func(w string) bool { return hasWord(f.text.fold(), w) }),
			r.pattern != nil && !r.pattern.MatchString(f.text.content):
			return wrongContent
		}
	}
	return fits
}

// tagFits compares the tags of one name. A demand that says nothing but the name is
// that there is one.
func tagFits(m *bunker.TagMatch, tags nostr.Tags) bool {
	n := 0
	for _, t := range tags {
		if t.Name() != m.Name {
			continue
		}
		n++
		if len(m.Values) > 0 && !slices.ContainsFunc(m.Values, func(v string) bool { return valueFits(v, t.Value()) }) {
			return false
		}
	}
	switch {
	case m.Absent:
		return n == 0
	case m.Max > 0 && n > m.Max:
		return false
	case len(m.Values) > 0, m.Max == 0:
		return n > 0
	}
	return true
}

func valueFits(want, got string) bool {
	if begin, open := strings.CutSuffix(want, "*"); open {
		return strings.HasPrefix(got, begin)
	}
	return want == got
}

// careful reports whether an allow rule covers the operation although it needs
// special care (security.md section 2): it must name what does.
func (r *rule) careful(f *facts) bool {
	o := f.in.Operation
	if o.Template != nil {
		switch {
		case f.care == MustAsk, f.care == Named && !r.namesKind(f, o.Template):
			return false
		}
		return r.MaxSkew != 0 || !f.offDate
	}
	if !o.decrypts() {
		return true
	}
	if o.Peer == f.in.Key.PubKey && !r.namesSelf(o) {
		return false
	}
	return o.Method != nip46.NIP04Decrypt || !f.in.Key.NpubLogin || len(r.Peers) > 0
}

func holds(ranges []bunker.KindRange, k nostr.Kind) bool {
	for _, r := range ranges {
		if k >= r.From && k <= r.To {
			return true
		}
	}
	return false
}

// names reports whether ranges name a kind: by itself, or by a range whose kinds all
// need the same care for the same reason. One that is wider was not written with the
// kind in mind.
func names(ranges []bunker.KindRange, k nostr.Kind) bool {
	for _, r := range ranges {
		if k < r.From || k > r.To {
			continue
		}
		if r.From == r.To || inOneRow(r, k) {
			return true
		}
	}
	return false
}

// inOneRow reports whether a range lies within the kind's own row of the table of
// special care.
func inOneRow(r bunker.KindRange, k nostr.Kind) bool {
	for _, row := range &careTable {
		if k >= row.from && k <= row.to {
			return r.From >= row.from && r.To <= row.to
		}
		if r.From <= row.to && r.To >= row.from {
			return false // some of its kinds have another reason
		}
	}
	return false
}
