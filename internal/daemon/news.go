package daemon

import (
	"context"
	"encoding/json"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/notify"
	"nsecbunker/internal/session"
)

// The types of notices that open sessions of admins get, and who watches.
const (
	newsQuestion = "question"
	newsAnswered = "answered"
	newsChanged  = "changed"
	newsAlarm    = "alarm"
)

// pass sends a happening to the sessions that may know it: what it is about, never
// its content.
func (t *tenant) pass(ctx context.Context, door *session.Door, h bunker.Happening) {
	kind, words := newsChanged, ""
	noun, _, _ := strings.Cut(h.Action, ".")
	switch h.Kind {
	case bunker.QuestionMade, bunker.QuestionJoined:
		kind, noun = newsQuestion, "approval"
	case bunker.QuestionAnswered, bunker.QuestionExpired:
		kind, noun = newsAnswered, "approval"
	case bunker.AlarmRaised:
		kind, words = newsAlarm, notify.Words(h.Notice)
	case bunker.ConnectionMade:
		noun = "connection"
	}
	key := t.keyOf(ctx, h)
	data, err := json.Marshal(map[string]string{"noun": noun, "id": h.ID, "key": string(key), "by": h.By, "words": words})
	if err == nil {
		door.Tell(ctx, kind, data, key)
	}
}

// keyOf is the user key that a happening is about; "" for none, or while it cannot be
// told.
func (t *tenant) keyOf(ctx context.Context, h bunker.Happening) bunker.KeyID {
	if h.Connection != "" {
		if c, err := t.store.Connection(ctx, t.id, h.Connection); err == nil {
			return c.Key
		}
	}
	if noun, _, _ := strings.Cut(h.Action, "."); h.Kind == bunker.Changed {
		switch noun {
		case "key":
			if k, err := t.store.Key(ctx, t.id, h.ID); err == nil {
				return k.ID
			}
		case "token":
			if tok, err := t.store.Token(ctx, t.id, bunker.TokenID(h.ID)); err == nil {
				return tok.Key
			}
		}
	}
	if h.Kind == bunker.QuestionAnswered || h.Kind == bunker.QuestionExpired {
		if q, err := t.store.Approval(ctx, t.id, bunker.ApprovalID(h.ID)); err == nil {
			return q.Key
		}
	}
	return ""
}
