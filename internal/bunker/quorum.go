package bunker

import (
	"encoding/json"

	"nsecbunker/nostr"
)

// Quorum is how many persons must want what only owners can do; 0 and 1: one. Who
// counts, and how votes lapse: security.md section 5, Quorum.
type Quorum struct {
	Export int `json:"export,omitempty"` // of keys
	Delete int `json:"delete,omitempty"` // of keys
	Policy int `json:"policy,omitempty"` // widening one
	Admins int `json:"admins,omitempty"` // naming, removing and inviting admins
}

// Most is the largest of the numbers: what a change of them needs.
func (q Quorum) Most() int { return max(q.Export, q.Delete, q.Policy, q.Admins) }

// MotionID names something that several persons must want.
type MotionID string

// NewMotionID returns a fresh random id, short enough to type.
func NewMotionID() MotionID { return MotionID("m" + randomID(questionBytes)) }

// MotionState is the life of a motion. One past its time is as if it were withdrawn.
type MotionState string

// The states of a motion.
const (
	MotionOpen      MotionState = "open"
	MotionDone      MotionState = "done"
	MotionWithdrawn MotionState = "withdrawn"
)

// Vote is one person's yes.
type Vote struct {
	By nostr.PubKey `json:"by"`
	// Version is that of the voter's row: a vote lapses when his role changes.
	Version int64 `json:"version"`
	At      int64 `json:"at"` // unix ms
}

// Motion is one command, or one answer to a question, that several persons must want
// before it is done.
type Motion struct {
	Tenant  TenantID
	ID      MotionID
	Command string
	// Params is the command's parameters in their one spelling, without secrets: what
	// is done, and what people are shown.
	Params []byte
	// Digest is what every vote is bound to.
	Digest    [32]byte
	Key       KeyID // "" where no single key is meant
	MovedBy   string
	Votes     []Vote
	State     MotionState
	ExpiresAt int64 // unix ms
	CreatedAt int64 // unix ms
	Version   int64
}

// AuthorityRow implements [Authority].
func (m *Motion) AuthorityRow() (TenantID, string, string, int64) {
	return m.Tenant, "motion", string(m.ID), m.Version
}

// Canonical implements [Authority].
func (m *Motion) Canonical() []byte {
	var c canon
	c.str(m.Command)
	c.bytes(m.Params)
	c.bytes(m.Digest[:])
	c.str(string(m.Key))
	c.str(m.MovedBy)
	c.bytes(m.VotesText())
	c.str(string(m.State))
	c.num(m.ExpiresAt)
	c.num(m.CreatedAt)
	return c.b
}

// VotesText is the votes as they are stored.
func (m *Motion) VotesText() []byte {
	b, err := json.Marshal(m.Votes)
	if err != nil {
		panic("bunker: votes that cannot be written: " + err.Error()) // every field can
	}
	return b
}
