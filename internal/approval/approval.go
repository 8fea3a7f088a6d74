// Package approval makes questions and turns their answers into grants. It
// holds no state and no timers: a question is a row, its deadlines are data,
// and a sweep asks what is due.
package approval

import (
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// Deadlines of a question (security.md section 2).
const (
	// ReplyWithin is how long the client waits for a person by default.
	ReplyWithin = 30 * time.Second
	// QuestionFor is how long a person may answer.
	QuestionFor = 24 * time.Hour
	// CredentialQuestionFor is how long questions about credentials stay open:
	// an old answer is of no use to anybody but a thief.
	CredentialQuestionFor = 60 * time.Second
	// OnceFor is how long the answer "once" waits for its request.
	OnceFor = policy.Skew * time.Second
	// CoolingOff is how long an operation is refused after DeniesBeforeCooling
	// denies within DenyWindow.
	CoolingOff = time.Hour
	DenyWindow = 10 * time.Minute
	// Burst is how long after the last one a question still belongs to a burst of
	// the same app, method and kind: those are answered together.
	Burst = time.Minute
)

// DeniesBeforeCooling denies of one operation in DenyWindow make it refused for
// CoolingOff, without a question.
const DeniesBeforeCooling = 3

// Bounds on open questions.
const (
	// MaxOfConnection is for known clients; one at a time for strangers.
	MaxOfConnection = 32
	MaxStrangersKey = 3
	MaxStrangers    = 20
)

// Ask makes the question for an operation that was decided as ask. What people
// will be shown, its summary, is the caller's to seal and add.
func Ask(in policy.Input, d policy.Decision, event nostr.ID) *bunker.Approval {
	a := &bunker.Approval{
		Tenant:     in.Connection.Tenant,
		ID:         bunker.NewApprovalID(),
		EventID:    event,
		Connection: in.Connection.ID,
		Key:        in.Key.ID,
		Method:     string(in.Operation.Method),
		Kind:       in.Operation.Kind(),
		OpDigest:   in.Operation.Digest(),
		Answers:    d.Answers,
		OnceOnly:   d.OnceOnly,
		State:      bunker.ApprovalPending,
		CreatedAt:  in.Now,
	}
	Within(a, Settings{}.Of(a.Key))
	return a
}

// AskConnect makes the question for a stranger's login at a user key, without
// its summary.
func AskConnect(c *bunker.Connection, event nostr.ID, now int64) *bunker.Approval {
	a := &bunker.Approval{
		Tenant:     c.Tenant,
		ID:         bunker.NewApprovalID(),
		EventID:    event,
		Connection: c.ID,
		Key:        c.Key,
		Method:     string(nip46.Connect),
		Kind:       -1,
		Answers:    policy.AnswersDefault,
		State:      bunker.ApprovalPending,
		CreatedAt:  now,
	}
	Within(a, Settings{}.Of(a.Key))
	return a
}
