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
	// OffDate: created_at is more than Skew from now. Its digest then holds the date
	// too, so that "once" can answer it.
	OffDate bool
	// Seen: the content of a kind 4 or 13 was encrypted for this connection a
	// moment ago, so its words were visible to the bunker.
	Seen bool
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
	h := sha256.New()
	field(h, "nsecbunker/operation/1")
	field(h, string(o.Method))
	if o.Template != nil {
		number(h, uint64(o.Template.Kind))
		number(h, uint64(len(o.Template.Tags)))
		for _, tag := range o.Template.Tags {
			number(h, uint64(len(tag)))
			for _, v := range tag {
				field(h, v)
			}
		}
		field(h, o.Template.Content)
		if o.OffDate {
			number(h, uint64(o.Template.CreatedAt))
		}
	} else {
		h.Write(o.Peer[:])
		number(h, uint64(len(o.Payload)))
		h.Write(o.Payload)
	}
	var d [32]byte
	h.Sum(d[:0])
	return d
}

func field(h hash.Hash, s string) {
	number(h, uint64(len(s)))
	h.Write([]byte(s))
}

func number(h hash.Hash, n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	h.Write(b[:])
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
	// Approval is the request's own question, when it was parked.
	Approval *bunker.Approval
	// Guard is what a replaceable event would lose, in words; "" for nothing.
	Guard     string
	Operation *Operation
}

// Decision is effect, rule and reason for one operation at one time. The zero
// value denies.
type Decision struct {
	Effect bunker.Effect
	Rule   string // for the log: "grant g…", "default", "care: …", "approval …"
	Reason string // one sentence, for the client and the log
	Code   bunker.Code
	Spend  bunker.GrantID // a counted grant to spend with the commit
	// Answers is what a grant given to this question would answer.
	Answers string
	// OnceOnly: a person may allow it for one time only.
	OnceOnly bool
}
