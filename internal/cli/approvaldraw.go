package cli

import (
	"fmt"
	"strings"

	"nsecbunker/internal/describe"
	"nsecbunker/nostr"
)

// columns is how wide questions are drawn.
const columns = 80

// question is a question as a person reads it.
func (a *app) question(q *approvalView) string {
	return strings.Join(a.draw(q, shown(q.ID, 40)+"  "), "\n")
}

// draw is a question as lines, the first one after a mark.
func (a *app) draw(q *approvalView, mark string) []string {
	var out []string
	for i, l := range describe.Wrap(shown(q.Sentence, 600), columns-describe.Columns(mark)) {
		if i > 0 {
			l = strings.Repeat(" ", describe.Columns(mark)) + l
		} else {
			l = mark + l
		}
		out = append(out, l)
	}
	card := q.Card
	if card == nil {
		card = &describe.Card{Warnings: []string{"it cannot be shown"}}
	}
	facts := describe.Card{Facts: a.around(q)}
	if card.Kind != "" {
		facts.Facts = append([]describe.Fact{{Name: "kind", Value: card.Kind}}, facts.Facts...)
	}
	if q.Asker != nil && q.Asker.Alike != "" {
		facts.Warnings = append(facts.Warnings, q.Asker.Alike)
	}
	for _, l := range append(card.Lines(columns-2), facts.Lines(columns-2)...) {
		out = append(out, "  "+l)
	}
	return out
}

// around is what is known of the app and of the question itself.
func (a *app) around(q *approvalView) (out []describe.Fact) {
	add := func(name, value string) {
		if value != "" {
			out = append(out, describe.Fact{Name: name, Value: value})
		}
	}
	if k := q.Asker; k != nil {
		seen := "first seen " + ago(k.FirstSeen.ms(), a.now())
		if k.Uses > 0 {
			seen += ", " + count(k.Uses, "request")
		}
		add("app", k.Npub)
		add("", seen)
		if k.Claims != "" && k.Claims != q.App {
			add("", "calls itself "+shown(k.Claims, 64)+" (not verified)")
		}
		if k.URL != "" {
			add("", "says its page is "+shown(k.URL, 120)+" (not verified)")
		}
	}
	add("asked", a.deadline(q))
	if q.State == "pending" {
		add("because", q.Why)
	}
	switch {
	case q.State == "approved", q.State == "denied":
		add("answer", a.answerWords(q)+", by "+answerer(q)+" "+ago(q.AnsweredAt.ms(), a.now()))
	case q.State != "pending":
	case q.OnceOnly:
		add("answers", "once only")
	case q.Permission == "connect":
	case q.Permission != "":
		reach := ""
		if q.Reach != "" {
			reach = ", " + shown(q.Reach, 100)
		}
		add("--kind", "would allow "+shown(q.Permission, 100)+" from now on"+reach)
	}
	return out
}

func (a *app) deadline(q *approvalView) string {
	text := ago(q.CreatedAt.ms(), a.now())
	if q.State != "pending" {
		return text + "; " + shown(q.State, 20)
	}
	now := a.now()
	if waits := a.waits(q); waits != "" {
		text += "; " + waits
	} else if q.Until.After(now) {
		text += "; the app was told to try again, a yes counts then"
	}
	return text + "; open for " + span(q.Until.Sub(now)) + " more"
}

// list is the questions of one burst, a line each.
func (a *app) list(batch []*approvalView) string {
	q := batch[0]
	what := shown(q.Method, 40) + " requests"
	if q.Kind != nil && *q.Kind >= 0 && *q.Kind <= 65535 {
		what = describe.Plural(nostr.Kind(*q.Kind))
	}
	app := shown(q.App, 64)
	if q.Unverified {
		app += " (name not verified)"
	}
	lines := describe.Wrap(fmt.Sprintf("%s  %d %s: %s wants them as %s", shown(q.Batch, 40), len(batch), what, app, shown(q.KeyName, 64)), columns)
	for _, one := range batch {
		mark := "  " + shown(one.ID, 40) + "  "
		does := "cannot be shown"
		if one.Card != nil {
			does = shown(one.Card.Does, 200)
			if t := shown(one.Card.Text, 120); t != "" {
				does += ": " + t
			}
			if len(one.Card.Warnings) > 0 {
				does += "  ! " + shown(one.Card.Warnings[0], 120)
			}
		}
		lines = append(lines, mark+describe.Wrap(does, columns-describe.Columns(mark))[0])
	}
	return strings.Join(lines, "\n")
}
