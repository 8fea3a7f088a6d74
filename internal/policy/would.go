package policy

import (
	"encoding/json"
	"strconv"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// Past is what is known of an operation that was: what the log has of it, and the
// event where it was kept. What is empty is not known.
type Past struct {
	Time   int64 // unix ms
	Method nip46.Method
	Kind   nostr.Kind   // of sign_event
	Peer   nostr.PubKey // of encrypt and decrypt
	Size   int64        // bytes of the content, or of the text
	Tags   []string     // names with their counts, as records have them
	Skew   *int64       // created_at less the time, seconds
	Result bunker.DecryptResult
	Door   bunker.Door
	Relay  string
	Digest string // as records have it
	// Event is all that was signed.
	Event *nostr.Template
	// Guarded: the guard looks at such events of this key.
	Guarded bool
	// Effect and Rule are what came out then, and Version the policy whose rule that
	// was, in its version of then; nil where no rule decided.
	Effect  bunker.Effect
	Rule    string
	Version *Compiled
}

// maxGuesses is in how many ways what is not known of one operation is tried; one of
// more cannot be told.
const maxGuesses = 64

// would answers the questions that cannot be answered: both ways, one after the other.
// A question has one answer in one try, so that two rules, or two versions of a rule,
// that demand the same are answered the same.
type would struct {
	op      *Past
	digests map[bunker.GrantID]string // of what grants answer, as records have them
	answers map[string]bool
	missing map[string]bool // what the questions are about
	path    []bool          // answers in the order of the questions of this try
	at      int
	side    *side // whose budgets count
}

// What is not known, in words that follow "it is not known".
const (
	aboutContent = "what its content says"
	aboutTags    = "what its tags say"
	aboutDate    = "how it was dated"
	aboutResult  = "what the decryption brought to light"
	aboutSeen    = "whether its content was encrypted here"
	aboutWay     = "by which relay or door it came"
	aboutGrant   = "whether a permission was for this very operation"
	aboutBudget  = "how much of a budget was used"
	aboutGuard   = "what the guard would have found"
	aboutMuch    = "too much of it"
)

// is answers one question about what is missing.
func (w *would) is(about, question string) bool {
	question = about + ": " + question
	if a, ok := w.answers[question]; ok {
		return a
	}
	if w.at == len(w.path) {
		w.path = append(w.path, false)
	}
	a := w.path[w.at]
	w.at++
	w.answers[question], w.missing[about] = a, true
	return a
}

// next goes on to the next try, and reports whether there is one.
func (w *would) next() bool {
	for len(w.path) > 0 && w.path[len(w.path)-1] {
		w.path = w.path[:len(w.path)-1]
	}
	if len(w.path) == 0 {
		return false
	}
	w.path[len(w.path)-1] = true
	return true
}

func (w *would) begin() {
	w.at = 0
	clear(w.answers)
}

// operation is one that the past one may have been.
func (w *would) operation(key *bunker.UserKey) *Operation {
	p := w.op
	o := &Operation{Method: p.Method, Peer: p.Peer, Result: p.Result}
	if p.Method != nip46.SignEvent {
		if o.decrypts() && o.Result == "" {
			o.Result = w.result(o, key)
		}
		return o
	}
	o.Template = p.Event
	if o.Template == nil {
		o.Template = &nostr.Template{Kind: p.Kind, CreatedAt: p.Time/1000 + w.skew()}
	}
	o.OffDate = OffDate(o.Template.CreatedAt, p.Time)
	o.Seen = (o.Template.Kind == 4 || o.Template.Kind == 13) && w.is(aboutSeen, "it was encrypted here")
	return o
}

func (w *would) result(o *Operation, key *bunker.UserKey) bunker.DecryptResult {
	if r := Certain(o, key); r != "" {
		return r
	}
	switch {
	case w.is(aboutResult, "it is a wrap"):
		return bunker.ResultWrap
	case w.is(aboutResult, "it is a message"):
		return bunker.ResultDM
	}
	return bunker.ResultOther
}

func (w *would) skew() int64 {
	switch {
	case w.op.Skew != nil:
		return *w.op.Skew
	case w.is(aboutDate, "it is of another date"):
		return Skew + 1
	}
	return 0
}

// dated reports whether created_at is within a rule's bound.
func (w *would) dated(bound int64, t *nostr.Template) bool {
	d := max(t.CreatedAt-w.op.Time/1000, w.op.Time/1000-t.CreatedAt)
	switch {
	case w.op.Skew != nil:
		return d <= bound
	case d <= Skew && bound >= Skew:
		return true
	case d > Skew && bound <= Skew:
		return false
	}
	return w.is(aboutDate, "it is within "+strconv.FormatInt(bound, 10)+" s")
}

// demands is what [rule.demands] would find.
func (w *would) demands(r *rule, t *nostr.Template) misfit {
	if r.MaxSkew != 0 && !w.dated(r.MaxSkew, t) {
		return wrongDate
	}
	for i := range r.Tags {
		if !w.tagFits(&r.Tags[i]) {
			return wrongTag
		}
	}
	if c := r.Content; c != nil && !w.contentFits(r, c) {
		return wrongContent
	}
	return fits
}

// count is how many tags of a name there are.
func (w *would) count(name string) (n int, known bool) {
	others := false
	for _, t := range w.op.Tags {
		at := strings.LastIndexByte(t, ':')
		if at < 0 {
			return 0, false
		}
		n, err := strconv.Atoi(t[at+1:])
		switch {
		case err != nil:
			return 0, false
		case t[:at] == "other":
			others = true
		case t[:at] == name:
			return n, true
		}
	}
	return 0, !others
}

func (w *would) tagFits(m *bunker.TagMatch) bool {
	n, known := w.count(m.Name)
	switch {
	case known && m.Absent:
		return n == 0
	case known && (m.Max > 0 && n > m.Max || len(m.Values) > 0 && n == 0):
		return false
	case known && len(m.Values) == 0:
		return n > 0 || m.Max > 0
	}
	return w.is(aboutTags, "tags "+demand(m))
}

func (w *would) tagged(want [2]string) bool {
	if n, known := w.count(want[0]); known && n == 0 {
		return false
	}
	return w.is(aboutTags, "a tag "+demand(want))
}

// contentFits compares with the size, and with an empty content, which is known.
func (w *would) contentFits(r *rule, c *bunker.ContentMatch) bool {
	const most = 4 // bytes of a character
	least, longest := int((w.op.Size+most-1)/most), int(w.op.Size)
	switch {
	case c.MinLength > longest, c.MaxLength > 0 && c.MaxLength < least:
		return false
	case c.MinLength > least && !w.is(aboutContent, "at least "+strconv.Itoa(c.MinLength)+" characters"):
		return false
	case c.MaxLength > 0 && c.MaxLength < longest && !w.is(aboutContent, "at most "+strconv.Itoa(c.MaxLength)+" characters"):
		return false
	case longest == 0:
		return len(r.words) == 0 && (r.pattern == nil || r.pattern.MatchString(""))
	case len(r.words) > 0 && !w.is(aboutContent, "words "+demand(r.words)):
		return false
	}
	return r.pattern == nil || w.is(aboutContent, "pattern "+c.Pattern)
}

// demand names what is demanded, the same for the same.
func demand(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("policy: a demand that cannot be written: " + err.Error()) // texts and numbers can
	}
	return string(b)
}

// once reports whether a grant is the answer to this very operation.
func (w *would) once(g *bunker.Grant) bool {
	d := w.digests[g.ID]
	if d == "" || w.op.Digest == "" {
		return w.is(aboutGrant, "it is what grant "+string(g.ID)+" answers")
	}
	return d == w.op.Digest
}

// left reports whether a budget has a use left: it may not be known how many were.
func (w *would) left(c *bunker.Charge, in *Input) bool {
	s := w.side.used[c.Window]
	switch {
	case s.most < c.Limit:
		return true
	case s.least >= c.Limit:
		return false
	}
	return w.is(aboutBudget, w.side.name+" spent, at "+demand(c))
}
