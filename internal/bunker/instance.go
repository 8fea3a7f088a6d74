package bunker

// InstanceID names one start of one process.
type InstanceID string

// Instance is one of the processes that serve a store together. Times are unix ms
// by the database's clock, which is the same for all of them.
type Instance struct {
	ID       InstanceID
	Name     string // where to look for it
	Version  string
	Started  int64
	Beat     int64 // when it was heard of last
	Draining bool  // it takes nothing on any more
	Done     int64 // the last order that it has followed
	Opened   int64 // the last of its changes of what is open there
	Guests   int64 // up to which record of the house it knows the tenants; of the instance that beats alone
}

// Opening says that a tenant is unsealed on an instance, or is no more.
type Opening struct {
	Tenant TenantID
	Open   bool
	No     int64 // of that instance's changes, in order
}

// OrderKind is what an instance must follow in its memory.
type OrderKind string

// The kinds of orders.
const (
	OrderChanged OrderKind = "changed" // rows that are kept in memory, too
	OrderSealed  OrderKind = "sealed"  // somebody sealed the tenant: its root key goes
)

// InstanceOrder is one thing that every instance must follow.
type InstanceOrder struct {
	No       int64
	Tenant   TenantID
	What     OrderKind
	Instance InstanceID // that ordered it, and has done it
}

// Standing is what an instance learns of the others with each beat of its heart.
type Standing struct {
	Now       int64 // the database's clock, unix ms
	Minimum   int64 // of the schema that a program must know
	Instances []Instance
	Leases    map[string]InstanceID // "": nobody's
	Orders    []InstanceOrder       // after the last one that was followed, in order, some of many
	Newest    int64                 // the number of the last order there is
	Guests    []TenantMoved         // after the last one that was followed, in order
}

// TenantMoved is a tenant of a hosted instance that was made, held or ended.
type TenantMoved struct {
	Tenant TenantID
	At     int64 // the number of the house's record
}

// Hint is a word of one instance to the others that something is to be looked at. It
// may be lost: whatever rests on it is found out without it, later.
type Hint struct {
	Kind    HintKind
	From    InstanceID
	Tenant  TenantID // of HintCommitted
	Replies []ReplyHint
}

// HintKind is what there is to be looked at.
type HintKind string

// The kinds of hints.
const (
	HintOrder     HintKind = "order"     // there is an order
	HintLease     HintKind = "lease"     // there are leases to be had
	HintFollowed  HintKind = "followed"  // an instance has followed an order
	HintCommitted HintKind = "committed" // there are records that somebody may want to hear of
	HintReplies   HintKind = "replies"   // stored replies, which somebody may wait for at another embedded relay
)

// ReplyHint names a request whose reply is stored, and who waits for it.
type ReplyHint struct {
	Request [32]byte
	Client  [32]byte
}
