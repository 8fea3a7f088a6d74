// Package policy decides. Deciding is pure: what is asked, what was granted and
// the time go in; an effect and its reason come out. Nothing else in the
// product says yes.
package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// Operation is a request after parsing: what the app wants done with the key.
type Operation struct {
	Method   nip46.Method
	Template *nostr.Template // of sign_event
	Peer     nostr.PubKey    // of encrypt and decrypt
	Payload  []byte          // of encrypt and decrypt: what is to be worked on
	// Result is what a decryption brings to light, "" while nobody looked: see [Needs].
	Result bunker.DecryptResult
	// OffDate: created_at is more than Skew from now. Its digest then holds the date
	// too, so that "once" can answer it.
	OffDate bool
	// Seen: the content of a kind 4 or 13 was encrypted for this connection a
	// moment ago, so its words were visible to the bunker.
	Seen bool
}

// decrypts reports whether a text of another is to be opened.
func (o *Operation) decrypts() bool {
	return o.Method == nip46.NIP04Decrypt || o.Method == nip46.NIP44Decrypt
}

// Certain is what is known of a decryption's result without looking, "" where it
// must be looked at: the peer is oneself, or it is NIP-04, which has messages only.
func Certain(o *Operation, key *bunker.UserKey) bunker.DecryptResult {
	switch {
	case !o.decrypts():
		return ""
	case o.Peer == key.PubKey:
		return bunker.ResultSelf
	case o.Method == nip46.NIP04Decrypt:
		return bunker.ResultDM
	}
	return ""
}

// Kind returns the kind of a sign_event, -1 otherwise.
func (o *Operation) Kind() int64 {
	if o.Template == nil {
		return -1
	}
	return int64(o.Template.Kind)
}

// Size returns the bytes of what is to be worked on.
func (o *Operation) Size() int64 {
	if o.Template == nil {
		return int64(len(o.Payload))
	}
	return int64(len(o.Template.Content))
}

// Digest is what the answer "once" binds to: method, peer, kind, tags and
// content. created_at is left out, so that an app's second try joins the open
// question; the grant holds for 15 minutes around now only (security.md
// section 2). An event of another date is bound to that date instead.
func (o *Operation) Digest() [32]byte {
	h := digester{h: sha256.New()}
	h.field("nsecbunker/operation/1")
	h.field(string(o.Method))
	if o.Template != nil {
		h.number(uint64(o.Template.Kind))
		h.number(uint64(len(o.Template.Tags)))
		for _, tag := range o.Template.Tags {
			h.number(uint64(len(tag)))
			for _, v := range tag {
				h.field(v)
			}
		}
		h.field(o.Template.Content)
		if o.OffDate {
			h.number(uint64(o.Template.CreatedAt))
		}
	} else {
		h.h.Write(o.Peer[:])
		h.number(uint64(len(o.Payload)))
		h.h.Write(o.Payload)
	}
	var d [32]byte
	h.h.Sum(d[:0])
	return d
}

// digester hashes numbers and strings by way of one buffer: a hash takes bytes alone, and
// what is handed to it would else be made anew for each.
type digester struct {
	h   hash.Hash
	buf [256]byte
}

func (d *digester) field(s string) {
	d.number(uint64(len(s)))
	for len(s) > 0 {
		n := copy(d.buf[:], s)
		d.h.Write(d.buf[:n])
		s = s[n:]
	}
}

func (d *digester) number(n uint64) {
	binary.BigEndian.PutUint64(d.buf[:], n)
	d.h.Write(d.buf[:8])
}

// OffDate reports whether an event's date is too far from now (unix ms) to be
// taken for today's.
func OffDate(createdAt, now int64) bool {
	d := createdAt - now/1000
	return d > Skew || d < -Skew
}

// Input is everything that one decision depends on.
type Input struct {
	Now        int64 // ledger time, unix ms
	Tenant     *bunker.TenantState
	Key        *bunker.UserKey
	Connection *bunker.Connection
	Grants     []bunker.Grant
	// Policies are those that the grants name, in any order. A grant whose policy is
	// not here denies everything: somebody took it away.
	Policies []*Compiled
	// Used is how much of budgets' windows is used; see [Needs]. What is not here is
	// unused.
	Used map[bunker.Window]int64
	// Door and Relay are how the request came: Relay is the relay's address, or
	// [Embedded]; "" where it is not known.
	Door  bunker.Door
	Relay string
	// Approval is the request's own question, when it was parked.
	Approval *bunker.Approval
	// Guard is what a replaceable event would lose, in words; "" for nothing.
	Guard     string
	Operation *Operation

	// would, of a simulation, knows what is not known of the operation; nil for one
	// that is here.
	would *would
}

// Decision is effect, rule and reason for one operation at one time. The zero
// value denies.
type Decision struct {
	Effect bunker.Effect
	Rule   string // for the log: "policy newsroom/notes@3", "grant g…", "default", "care: …", "approval …"
	Reason string // one sentence, for the client and the log
	Needed string // of a refusal or question: what would have allowed it, for the log
	Code   bunker.Code
	// Spend is a counted grant to spend with the commit, SpendAlso are others that
	// were needed beside it.
	Spend     bunker.GrantID
	SpendAlso []bunker.GrantID
	// Charges are the budgets to charge with the commit, all of them.
	Charges []bunker.Charge
	// Answers is what a grant given to this question would answer; see
	// [bunker.Grant.Answers].
	Answers string
	// OnceOnly: a person may allow it for one time only.
	OnceOnly bool
	// Quorum is how many persons must say yes; 0: one.
	Quorum int
}
