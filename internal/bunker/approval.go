package bunker

import "nsecbunker/nostr"

// ApprovalState is the life of a question.
type ApprovalState string

// The states of an approval; see the table in states.go.
const (
	ApprovalPending   ApprovalState = "pending"
	ApprovalApproved  ApprovalState = "approved"
	ApprovalDenied    ApprovalState = "denied"
	ApprovalExpired   ApprovalState = "expired"
	ApprovalWithdrawn ApprovalState = "withdrawn"
)

// Approval is a question left for a person.
type Approval struct {
	Tenant     TenantID
	ID         ApprovalID
	EventID    nostr.ID // the parked request; unique
	Connection ConnectionID
	Key        KeyID
	Method     string
	Kind       int64 // -1 unless Method is sign_event
	// OpDigest is what was shown and what "once" binds to.
	OpDigest [32]byte
	// Batch is the first question of the burst that this one belongs to: the store
	// finds it when the question is stored.
	Batch ApprovalID
	// Summary is the operation as a person reads it, sealed under the root key
	// when it holds content; plain JSON otherwise.
	Summary []byte
	// Answers is what a grant from this approval answers (see Grant.Answers).
	Answers string
	// OnceOnly: the operation must be asked each time (security.md, must-ask).
	OnceOnly      bool
	ReplyBy       int64 // unix ms: the client gets its answer by then
	QuestionUntil int64 // unix ms: a person may answer until then
	State         ApprovalState
	AnsweredBy    string
	AnsweredAt    int64 // unix ms
	CreatedAt     int64 // unix ms
}
