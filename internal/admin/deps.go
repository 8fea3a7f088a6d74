package admin

import (
	"context"
	"errors"
	"sync"
	"time"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip49"
)

// Deps is what the commands work on. Every field is required but Memory, SetupCode,
// Notices, Sessions, Instances, Pictures, House and Plan.
type Deps struct {
	Tenant bunker.TenantID
	Now    func() time.Time // ledger time
	Vault  *vault.Vault
	// Memory is held over a change of the store and of the vault that must tell the same:
	// which keys are in memory. nil: nobody changes that but this table.
	Memory *sync.Mutex
	Rows   Rows
	Slots  Slots
	// KDF is scrypt for NIP-49. It is slow (a second, 256 MiB in a child process),
	// so it never runs inside a transaction.
	KDF    nip49.KDF
	Around Around
	Backup Backup
	Events Events
	// DeleteWait is how long a deleted key can be brought back.
	DeleteWait time.Duration
	// First is what was given at start; setting up takes it where the caller names
	// nothing himself.
	First First
	// SetupCode is what setting up needs from other doors than the machine's own;
	// nil: nobody from there can.
	SetupCode func() string
	// Notices tells people; nil: nobody is told of anything.
	Notices Notices
	// Sessions are those of the relay door; nil: there is no such door.
	Sessions Sessions
	// Instances are those that serve the store together; nil: this one is alone.
	Instances Instances
	// Pictures fetches those of profiles; nil: there are none.
	Pictures Pictures
	// House is what the provider's commands work on; nil: this is no provider's bunker.
	House House
	// Plan is what a bunker that was bought is paid for; nil: nobody sells here.
	Plan Plan
	// Guest: others run the machine; what works on it is not for this bunker's people.
	Guest bool
}

// First is what a bunker was started with before it was set up.
type First struct {
	Admins []string // npubs; the first one is an owner
	Relays []string
}

// complete names the first dependency that is missing.
func (d *Deps) complete() error {
	switch {
	case d.Tenant == "":
		return errors.New("admin: Tenant is missing")
	case d.Now == nil:
		return errors.New("admin: Now is missing")
	case d.Vault == nil:
		return errors.New("admin: Vault is missing")
	case d.Rows == nil:
		return errors.New("admin: Rows are missing")
	case d.Slots == nil:
		return errors.New("admin: Slots are missing")
	case d.KDF == nil:
		return errors.New("admin: KDF is missing")
	case d.Around == nil:
		return errors.New("admin: Around is missing")
	case d.Backup == nil:
		return errors.New("admin: Backup is missing")
	case d.Events == nil:
		return errors.New("admin: Events are missing")
	case d.DeleteWait < MinDeleteWait:
		return errors.New("admin: DeleteWait is shorter than an hour")
	}
	return nil
}

// MinDeleteWait is the shortest time in which a deletion can be taken back.
const MinDeleteWait = time.Hour

// Around is the running bunker as the commands see it.
type Around interface {
	// Wake has answered questions taken up and stored replies sent.
	Wake()
	// Changed says that signer keys, relays, clients or npub logins are others
	// now: subscriptions follow, and so does the memory of every other instance. It
	// returns the names of instances that live and have not said that they followed.
	Changed() (behind []string)
	// AppRelays are the relays that apps are told to use, the best first.
	AppRelays() []string
	// CheckRelay refuses relay addresses that the bunker may not dial. named: an
	// owner named it himself, so it may be in a private network.
	CheckRelay(url string, named bool) error
	// RelayHealth tells how each relay does.
	RelayHealth() []RelayHealth
	Info() Info
}

// Embedded is the state of the relay that the bunker itself runs.
const Embedded = "embedded"

// RelayHealth is how one relay does.
type RelayHealth struct {
	URL     string `json:"url"`
	State   string `json:"state" doc:"up, connecting, waiting, embedded, …"`
	Error   string `json:"error,omitempty" doc:"the last thing that went wrong"`
	Latency int64  `json:"latency_ms,omitempty"`
}

// Info is what the program knows of itself.
type Info struct {
	Version string
	Backend string // of secp256k1
	Started time.Time
	// Memory for secrets.
	MemoryUsed, MemorySize int
	MemoryLocked           bool
	// AdminPages are the addresses of the admin app, this machine's first; none
	// when it is not served.
	AdminPages []string
}

// Backup writes the whole store, encrypted, to a file.
type Backup interface {
	Create(ctx context.Context, r BackupRequest) (BackupFile, error)
	// Last is when the last one was made; zero for never.
	Last(ctx context.Context) (time.Time, error)
	// Export returns this bunker alone, a guest of a hosted instance, sealed by a passphrase,
	// in at most so many bytes.
	Export(ctx context.Context, passphrase []byte, most int64) ([]byte, error)
}

// BackupRequest says where a backup goes and what opens it. Exactly one of
// Passphrase and Recipient is set.
type BackupRequest struct {
	Path       string // absolute; must not exist
	Passphrase []byte // not changed; the caller wipes it
	Recipient  string // an age recipient, age1…
}

// TenantBackup is a bunker of a hosted instance as one sealed file.
type TenantBackup interface {
	// BackupTenant writes it to a new file.
	BackupTenant(ctx context.Context, id bunker.TenantID, r BackupRequest) (BackupFile, error)
	// RestoreTenant takes one in; change runs what it is given in the command's transaction.
	RestoreTenant(ctx context.Context, r RestoreRequest, change func(func(Tx) error) error) (bunker.TenantID, error)
}

// RestoreRequest is a sealed file of a bunker, and what it may use here. One of Passphrase
// and Identity opens it.
type RestoreRequest struct {
	Path       string
	Passphrase []byte // not changed; the caller wipes it
	Identity   []byte // an age identity, likewise
	Label      string
	Quota      bunker.Quota
}

// BackupFile is a backup that was written.
type BackupFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size" doc:"bytes"`
	SHA256 string `json:"sha256"`
}

// SlotInput is what a person gives to make a slot; which fields count is the
// kind's.
type SlotInput struct {
	Name       string
	Passphrase []byte // not changed; the caller wipes it
	Path       string // absolute, of a key file
	Credential string // name of a systemd credential
	Command    string // name of a command of the configuration
}

// Slots makes and opens key slots (internal/seal). Tries of passphrases are
// counted and limited there, over restarts.
type Slots interface {
	// Check refuses what must not become a passphrase.
	Check(passphrase []byte) error
	// Wrap makes a slot; root lends the root key.
	Wrap(ctx context.Context, t bunker.TenantID, kind bunker.SlotKind, in SlotInput, root func(f func(key []byte) error) error) (bunker.Slot, error)
	// Open opens a slot that needs no person.
	Open(ctx context.Context, slot bunker.Slot) (*secret.Bytes, error)
	OpenPassphrase(ctx context.Context, slots []bunker.Slot, passphrase []byte) (*secret.Bytes, bunker.Slot, error)
	// KeyPassphrase makes the 32 bytes that a user key's own new passphrase stands for.
	KeyPassphrase(t bunker.TenantID, id bunker.KeyID, passphrase []byte) ([]byte, error)
	// OpenKeyPassphrase makes those of the one that the key has, if they fit. Tries that
	// do not are counted behind it.
	OpenKeyPassphrase(ctx context.Context, k *bunker.UserKey, passphrase []byte, fits func(key []byte) error) ([]byte, error)
}

// Page is a place in a list: the rows after After, at most Limit (0: the most
// that there is in one answer).
type Page struct {
	After string
	Limit int
}

// QuestionPage is a place in the list of questions, oldest first.
type QuestionPage struct {
	State     bunker.ApprovalState // "" for all
	AfterTime int64                // unix ms
	After     bunker.ApprovalID
	Limit     int
}

// VersionPage is a place in the list of a key's kept versions.
type VersionPage struct {
	Kind     int64 // -1: every kind
	Before   int64 // unix ms
	BeforeID nostr.ID
	Limit    int
}

// Relay is a relay that apps are, or were, heard on.
type Relay struct {
	URL        string
	Old        bool  // removed; still heard for those who have not switched
	AddedAt    int64 // unix ms
	HeardUntil int64 // unix ms; of an old one
}

// PolicyUse counts what is under a policy.
type PolicyUse struct {
	Connections int // that are, or can become, active again
	Tokens      int // open ones
}

// RelayUse counts the connections that are heard on a relay.
type RelayUse struct {
	Named   int // whose own list has it
	Default int // without a list of their own
}

// Clock says whether the machine's clock can be believed.
type Clock struct {
	Suspect bool
	Behind  bool
	Ledger  time.Time
	Why     string
}

// Counts are the numbers of status. They are counted, not verified: good for
// showing, not for deciding.
type Counts struct {
	Keys          int
	KeysLocked    int
	KeysDeleting  int
	Connections   map[bunker.ConnectionState]int
	Questions     int
	Tokens        int   // open ones
	Ready         int   // replies that no relay has accepted yet
	Undeliverable int   // replies that were given up
	Seats         int64 // that somebody holds
}

// KeyUse is how a key's connections did. Counted, not verified.
type KeyUse struct {
	Key         bunker.KeyID
	Connections int   // that are not over
	Uses        int64 // requests of all of them
	LastUsed    int64 // unix ms
}

// RecordFilter selects audit records; empty fields select all.
type RecordFilter struct {
	Since, Until int64 // unix ms; Until is exclusive, 0: no end
	Key          nostr.PubKey
	Connection   bunker.ConnectionID
	Principal    string
	Action       string
	Effect       string
	Before       int64 // number of the record to go back from, exclusive; 0: the newest
	Limit        int
	// Keys, when not empty: only records about these keys, or about their connections.
	Keys []bunker.KeyID
	// Person is the digest that records have for a name.
	Person string
}

// Findings is the outcome of a check of the whole store.
type Findings struct {
	Damage   []string // of the database file
	Tampered []string // rows whose MAC is wrong
	Sealed   bool     // MACs were not checked
	Chain    audit.Report
}

// Undelivered is a request whose reply reached no relay in time.
type Undelivered struct {
	Event      nostr.ID
	Connection bunker.ConnectionID
	Method     string
	CreatedAt  int64 // unix seconds
	ReadyAt    int64 // unix ms
	Erased     bool  // too old: the reply cannot be sent any more
}

// Tx is one change under the tenant's lock: whole or not at all. Puts of rows
// with authority check and raise the row's version and write its MAC.
type Tx interface {
	Tenant() bunker.TenantState
	PutTenant(bunker.TenantState) error
	// StopEverything locks every key, suspends every connection and marks the
	// tenant stopped.
	StopEverything() error
	// BeginLifeAbove begins a new incarnation above a number.
	BeginLifeAbove(no int64) error
	Audit(bunker.AuditRecord) error
	Now() int64 // ledger time, unix ms
	// ForgetSetupCode erases the code that a guest was set up with.
	ForgetSetupCode() error

	Key(idOrName string) (*bunker.UserKey, error)
	Keys(Page) ([]bunker.UserKey, error)
	PutKey(*bunker.UserKey) error
	DeleteKey(bunker.KeyID) error
	AddServiceKey(*bunker.ServiceKey) error

	Token(bunker.TokenID) (*bunker.Token, error)
	Tokens(Page) ([]bunker.Token, error)
	PutToken(*bunker.Token) error
	// LinkMade readies the connections at a key's own pubkey for a link that is made at a time (unix ms).
	LinkMade(k *bunker.UserKey, at int64) error

	Connection(bunker.ConnectionID) (*bunker.Connection, error)
	// Connections of a key, "" for all.
	Connections(bunker.KeyID, Page) ([]bunker.Connection, error)
	PutConnection(*bunker.Connection) error
	// ForgetPerson erases a name from those that records stand for, and reports whether
	// it was there.
	ForgetPerson(name string) (bool, error)
	Grant(bunker.GrantID) (*bunker.Grant, error)
	Grants(bunker.ConnectionID, Page) ([]bunker.Grant, error)
	PutGrant(*bunker.Grant) error

	// Policy finds by id, or by name what is not deleted.
	Policy(idOrName string) (*bunker.Policy, error)
	// PutPolicy also keeps the version for ever, and an edit moves every decision.
	PutPolicy(*bunker.Policy) error
	PolicyUse(bunker.PolicyID) (PolicyUse, error)
	CountPolicies() (int, error) // deleted ones apart

	Approval(bunker.ApprovalID) (*bunker.Approval, error)
	AnswerApproval(id bunker.ApprovalID, shown [32]byte, state bunker.ApprovalState, by string, grant *bunker.Grant) error
	Denials(c bunker.ConnectionID, method string, kind, since int64) (int, error)

	Admins() ([]bunker.Admin, error)
	PutAdmin(*bunker.Admin) error
	DeleteAdmin(nostr.PubKey) error

	Invite(bunker.InviteID) (*bunker.Invite, error)
	Invites(Page) ([]bunker.Invite, error)
	PutInvite(*bunker.Invite) error
	Motion(bunker.MotionID) (*bunker.Motion, error)
	// OpenMotion is the open one about what has the digest; nil for none.
	OpenMotion(digest [32]byte) (*bunker.Motion, error)
	Motions(Page) ([]bunker.Motion, error) // open ones
	PutMotion(*bunker.Motion) error
	Device(id string) (*bunker.Device, error)
	Devices() ([]bunker.Device, error)
	PutDevice(*bunker.Device) error
	DeleteDevice(id string) error
	// PutMadeChange notes that a change was made; CodeConflict when it was before.
	// Those made before a time (unix ms) are forgotten.
	PutMadeChange(m *bunker.MadeChange, forget int64) error

	Slots() ([]bunker.Slot, error)
	PutSlot(*bunker.Slot) error
	DeleteSlot(bunker.SlotID) error

	// Setting is a setting's value, "" where there is none; PutSetting with ""
	// removes it.
	Setting(name string) (string, error)
	PutSetting(name, value string) error

	LastVersion(bunker.KeyID, nostr.Kind, bunker.Address) (bunker.LastVersion, error)
	KeepVersion(*bunker.KeptVersion) error

	Relays() ([]Relay, error)
	PutRelay(Relay) error
	DeleteRelay(url string) error

	Channels() ([]bunker.Channel, error)
	PutChannel(*bunker.Channel) error
	DeleteChannel(name string) error
}

// Rows is the store: reads of verified rows as they are now, and changes.
type Rows interface {
	// Change runs f in one transaction. A change without a record is refused.
	Change(ctx context.Context, t bunker.TenantID, by bunker.Principal, f func(Tx) error) error
	// Commit stores an entry of the ledger: for an app's own request (nostrconnect).
	Commit(ctx context.Context, e *bunker.Entry) (bunker.Result, error)
	// VerifyAll checks the MAC of every row of the tenant, right after the unseal:
	// bunker.ErrTampered names one that is wrong.
	VerifyAll(ctx context.Context, t bunker.TenantID) error
	// ApplyPending does what was ordered while the tenant was sealed (a stop, a
	// restore), with its own records, and reports whether there was anything.
	ApplyPending(ctx context.Context, t bunker.TenantID) (bool, error)
	// StopSealed orders a sealed tenant to stop, with its own record.
	StopSealed(ctx context.Context, t bunker.TenantID, by bunker.Principal) error
	// AcceptClock makes the wall clock the ledger's time, with its own record.
	AcceptClock(ctx context.Context, t bunker.TenantID, by bunker.Principal) error

	Tenant(ctx context.Context, t bunker.TenantID) (st bunker.TenantState, verified bool, err error)
	Counts(ctx context.Context, t bunker.TenantID) (Counts, error)
	Clock() Clock

	Key(ctx context.Context, t bunker.TenantID, idOrName string) (*bunker.UserKey, error)
	Keys(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.UserKey, error)
	DeletingKeys(ctx context.Context, t bunker.TenantID) ([]bunker.UserKey, error)
	ServiceKeys(ctx context.Context, t bunker.TenantID, role bunker.ServiceRole) ([]bunker.ServiceKey, error)

	Token(ctx context.Context, t bunker.TenantID, id bunker.TokenID) (*bunker.Token, error)
	Tokens(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Token, error)
	Connection(ctx context.Context, t bunker.TenantID, id bunker.ConnectionID) (*bunker.Connection, error)
	Connections(ctx context.Context, t bunker.TenantID, key bunker.KeyID, p Page) ([]bunker.Connection, error)
	Grants(ctx context.Context, t bunker.TenantID, c bunker.ConnectionID, p Page) ([]bunker.Grant, error)
	// View is what deciding a request of a client reads.
	View(ctx context.Context, t bunker.TenantID, signer, client nostr.PubKey) (bunker.View, error)
	Policy(ctx context.Context, t bunker.TenantID, idOrName string) (*bunker.Policy, error)
	Policies(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Policy, error)
	PolicyVersion(ctx context.Context, t bunker.TenantID, id bunker.PolicyID, version int64) (*bunker.Policy, error)
	PolicyVersions(ctx context.Context, t bunker.TenantID, id bunker.PolicyID, after int64, limit int) ([]bunker.Policy, error)
	// PolicyNamed is the version that a record of a time (unix ms) names.
	PolicyNamed(ctx context.Context, t bunker.TenantID, name string, version, at int64) (*bunker.Policy, error)
	PolicyUse(ctx context.Context, t bunker.TenantID, id bunker.PolicyID) (PolicyUse, error)
	// Used is how much of each window of a budget is used.
	Used(ctx context.Context, t bunker.TenantID, ws []bunker.Window) ([]int64, error)

	Approval(ctx context.Context, t bunker.TenantID, id bunker.ApprovalID) (*bunker.Approval, error)
	Approvals(ctx context.Context, t bunker.TenantID, p QuestionPage) ([]bunker.Approval, error)
	// AnsweredApprovals are those that people answered, the latest answer first,
	// before the one with that time (0: from the latest on) and id.
	AnsweredApprovals(ctx context.Context, t bunker.TenantID, at int64, id bunker.ApprovalID, limit int) ([]bunker.Approval, error)
	// GrantOf is the grant that a question's answer gave.
	GrantOf(ctx context.Context, t bunker.TenantID, q bunker.ApprovalID) (*bunker.Grant, error)
	// Seated are the connections that hold seats, in order of id.
	Seated(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Connection, error)
	// Apps are the connections of a client, the newest first.
	Apps(ctx context.Context, t bunker.TenantID, client nostr.PubKey) ([]bunker.Connection, error)

	LastVersion(ctx context.Context, t bunker.TenantID, k bunker.KeyID, kind nostr.Kind, at bunker.Address) (bunker.LastVersion, error)
	// Versions returns a key's kept versions, the one that was kept last first, without
	// their bytes, which VersionBytes reads one by one.
	Versions(ctx context.Context, t bunker.TenantID, k bunker.KeyID, p VersionPage) ([]bunker.KeptVersion, error)
	VersionBytes(ctx context.Context, v *bunker.KeptVersion) error
	// VersionsOf returns those of events with an id from first to last, both included, at
	// most two.
	VersionsOf(ctx context.Context, t bunker.TenantID, k bunker.KeyID, first, last nostr.ID) ([]bunker.KeptVersion, error)

	Admins(ctx context.Context, t bunker.TenantID) ([]bunker.Admin, error)
	Invites(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Invite, error)
	Motions(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Motion, error) // open ones
	Motion(ctx context.Context, t bunker.TenantID, id bunker.MotionID) (*bunker.Motion, error)
	// Persons are the names of whom connections and links are or were for; of these
	// keys only, when there are some.
	Persons(ctx context.Context, t bunker.TenantID, keys []bunker.KeyID) ([]string, error)
	// KeyUses counts for every key that has connections.
	KeyUses(ctx context.Context, t bunker.TenantID) ([]KeyUse, error)
	// Redeemed returns the connections that a token made or brought back.
	Redeemed(ctx context.Context, t bunker.TenantID, id bunker.TokenID) ([]bunker.Connection, error)
	Devices(ctx context.Context, t bunker.TenantID) ([]bunker.Device, error)
	MadeChange(ctx context.Context, t bunker.TenantID, person, op string) (m bunker.MadeChange, ok bool, err error)
	PutMadeResult(ctx context.Context, t bunker.TenantID, person, op string, result []byte) error
	Slots(ctx context.Context, t bunker.TenantID) ([]bunker.Slot, error)
	// Setting is a setting's value, "" where there is none.
	Setting(ctx context.Context, t bunker.TenantID, name string) (string, error)
	Relays(ctx context.Context, t bunker.TenantID) ([]Relay, error)
	RelayUsers(ctx context.Context, t bunker.TenantID, url string) (RelayUse, error)
	// Channels returns those whose rows are right; the error, bunker.ErrTampered,
	// names the others. FailedNotices are those that were given up, newest first.
	Channels(ctx context.Context, t bunker.TenantID) ([]bunker.Channel, error)
	FailedNotices(ctx context.Context, t bunker.TenantID) ([]bunker.Notice, error)

	// Records returns records as stored, newest first.
	Records(ctx context.Context, t bunker.TenantID, f RecordFilter) ([]bunker.AuditRecord, error)
	// AuditLines returns the chain as stored, from the record after a number on.
	AuditLines(ctx context.Context, t bunker.TenantID, after int64, limit int) ([]audit.Line, error)
	// Checkpoints returns those of records after a number, in their order.
	Checkpoints(ctx context.Context, t bunker.TenantID, after int64, limit int) ([]audit.Signed, error)
	// VerifyAudit checks the whole chain against the audit key (zero: each
	// checkpoint's own), stored checkpoints and those given.
	VerifyAudit(ctx context.Context, t bunker.TenantID, key nostr.PubKey, held []audit.Signed) (audit.Report, error)
	// NextCheckpoint is what to sign now; ok is false when nothing is new.
	NextCheckpoint(ctx context.Context, t bunker.TenantID) (c audit.Checkpoint, ok bool, err error)
	LastCheckpoint(ctx context.Context, t bunker.TenantID) (*audit.Signed, error)
	AddCheckpoint(ctx context.Context, s audit.Signed) error
	// Check looks at everything, which takes its time.
	Check(ctx context.Context, t bunker.TenantID) (Findings, error)
	Undeliverable(ctx context.Context, t bunker.TenantID) ([]Undelivered, error)
}
