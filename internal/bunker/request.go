package bunker

import "nsecbunker/nostr"

// Part says which of a request's replies one is.
type Part string

// A request has one final reply, and at most one auth_url before it.
const (
	PartFinal   Part = "final"
	PartAuthURL Part = "auth_url"
)

// Reply is the closed and signed envelope that answers a request: the only
// bytes that may leave for it, the same ones every time.
type Reply struct {
	Part    Part
	EventID nostr.ID // of the reply event
	// Bytes is the reply event as JSON, or, when Sealed, that JSON wrapped under
	// a key derived from the root key (replies of decrypt methods).
	Bytes  []byte
	Sealed bool
	// CreatedAt (unix seconds) is the reply event's, while it was not read back
	// from the store: then 0.
	CreatedAt int64
}

// Basis is what a decision read: the versions that must still hold when it is
// committed. A zero id was not read.
type Basis struct {
	Tenant            int64
	Standing          TenantStanding
	Connection        ConnectionID
	ConnectionVersion int64
	Key               KeyID
	KeyVersion        int64
	Token             TokenID
	TokenVersion      int64
	// Moment is the store's own, of the view that was read: while it has not
	// passed, nothing of the view has changed. 0: none.
	Moment uint64
}

// Entry is one request's part of a group commit: the row, the decision's
// effects, its audit record and its reply, all or nothing.
type Entry struct {
	Tenant    TenantID
	EventID   nostr.ID
	Signer    nostr.PubKey
	Client    nostr.PubKey
	Method    string
	OpDigest  [32]byte
	CreatedAt int64 // unix seconds, of the request's event
	// From is RequestNone (insert) or RequestParked (compare-and-set).
	From RequestState
	// To is RequestReady or RequestParked.
	To RequestState
	// Envelope is the request's closed event as JSON, kept only while parked.
	Envelope []byte
	// Link is the relay that brought the request, kept while parked: rules may
	// look at it.
	Link string
	// Relays are where the reply goes; empty: the tenant's relays.
	Relays []string
	Basis  Basis

	Connection ConnectionID // "" for none

	NewConnection    *Connection
	UpdateConnection *Connection // Version is already the next one
	UpdateToken      *Token      // redeemed; Version is already the next one
	NewGrants        []*Grant
	Spend            GrantID   // one use, guarded
	SpendAlso        []GrantID // further counted grants that were needed, likewise
	Charges          []Charge  // one use of each budget, guarded
	NewApproval      *Approval
	// Seat: what is allowed needs a seat, and its connection's holder may have none
	// yet. The commit finds one, guarded, or ends in Moved.
	Seat bool
	// MaxQuestions, with NewApproval: as many questions of its connection may be
	// open with this one, checked in the commit, since others are decided at the
	// same time; 0: no bound.
	MaxQuestions int
	// MaxKnocksKey and MaxKnocks, with NewConnection and NewApproval: as many
	// questions of strangers may be open at its key, and in all, with this one; 0:
	// no bound.
	MaxKnocksKey, MaxKnocks int
	// Burst (ms), with NewApproval: how long after the last one it still belongs to
	// the same burst of questions.
	Burst int64
	// JoinApproval, instead of NewApproval: the same operation is asked already;
	// this request becomes the newest of that open question (compare-and-set
	// while it is pending: its event_id and reply_by are moved here), and the
	// older request is then told that it was replaced.
	JoinApproval ApprovalID
	JoinReplyBy  int64 // unix ms
	// ClockOff: the event's created_at is outside the freshness window, and the
	// entry is nothing but the refusal that says so. It is checked against
	// NoticeWindow (see freshness.go) instead.
	ClockOff bool
	// Metadata, when not nil, is what the client says of itself now (display only).
	Metadata *ClientMetadata
	// Withdraw ends the connection's open questions and unspent grants (logout).
	Withdraw ConnectionID
	// Keep, for a replaceable event that was signed: its version, numbered after the
	// one that the guard compared it with. If that is not the last one any more, the
	// commit ends in Moved, so that of two at a time the second is compared with the
	// first.
	Keep *KeptVersion

	Audit AuditRecord
	Reply *Reply // nil only when parking without auth_url
	// Unattended: nobody publishes the reply right after the commit, so the next
	// sweep does, and does not wait until a publisher's time is over.
	Unattended bool
}

// Outcome is what became of an Entry.
type Outcome uint8

// The outcomes of a commit; the zero value is a failure.
const (
	// Failed: nothing of it is stored; decide again or give up.
	Failed Outcome = iota
	// Committed: stored and synced; its reply may leave.
	Committed
	// Taken: another flight answered this event; see the stored reply.
	Taken
	// Moved: a version or a budget moved since the decision; decide again.
	Moved
	// Stale: the event is outside the freshness window now; no reply.
	Stale
)

// Stored is a reply that is in the store, and so may be published. Only the
// store makes one (internal/arch checks it).
type Stored struct {
	tenant  TenantID
	request nostr.ID
	signer  nostr.PubKey
	client  nostr.PubKey
	relays  []string
	reply   Reply
}

// NewStored is for internal/store alone.
func NewStored(tenant TenantID, request nostr.ID, signer, client nostr.PubKey, relays []string, r Reply) Stored {
	return Stored{tenant, request, signer, client, relays, r}
}

// Tenant returns whose reply it is.
func (s Stored) Tenant() TenantID { return s.tenant }

// Request returns the id of the event that it answers.
func (s Stored) Request() nostr.ID { return s.request }

// Signer returns the key that signed the reply's envelope.
func (s Stored) Signer() nostr.PubKey { return s.signer }

// Client returns the key that the reply is for.
func (s Stored) Client() nostr.PubKey { return s.client }

// Relays returns where to publish; empty: the tenant's relays.
func (s Stored) Relays() []string { return s.relays }

// Reply returns the stored bytes.
func (s Stored) Reply() Reply { return s.reply }

// Result is a commit's answer for one Entry.
type Result struct {
	Outcome Outcome
	// State of the row, when Taken.
	State RequestState
	// Replies that may be published: the entry's own when Committed, those in
	// the store when Taken.
	Replies []Stored
	Err     error // cause, when Failed
}

// View is all that deciding one request reads, from one moment.
type View struct {
	Tenant TenantState
	// Connection is nil for a stranger.
	Connection *Connection
	Key        *UserKey
	Grants     []Grant // of the connection, ended ones left out
	// Policies are those that the grants name, deleted ones too.
	Policies []PolicyAt
	// Unverified: the tenant is sealed, so no MAC was checked. Good for one
	// thing: to refuse a known client.
	Unverified bool
	// Moment is the store's mark of when it was read, for [Basis].
	Moment uint64
}

// Questions is what is already asked, read before one more question is made.
type Questions struct {
	// Same is the open question of this connection with the same digest.
	Same *Approval
	// How many are pending.
	OfConnection, OfKey, OfTenant int
}

// SignerOwner says whose a signer key is, for a client that has no connection yet.
// The zero value is nobody's.
type SignerOwner struct {
	// Token is the token that the signer key was born with; nil for others.
	Token *Token
	// Key is the user key behind it.
	Key *UserKey
	// Npub: the signer key is the user key itself, and its npub login is on.
	Npub bool
}

// Parked is what a replay starts from: nothing but the closed envelope, and
// the question as it stands. Approval.EventID differs from EventID when a
// newer request took the question over.
type Parked struct {
	Tenant   TenantID
	EventID  nostr.ID
	Envelope []byte
	Link     string // see Entry.Link
	Approval Approval
}
