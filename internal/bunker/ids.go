package bunker

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
)

// TenantID names one bunker among many in a hosted instance.
type TenantID string

// SelfHosted is the only tenant of a self-hosted instance.
const SelfHosted TenantID = "self"

// Row ids are short, random and typed by people, so they use a lower-case
// alphabet without look-alikes.
type (
	// KeyID names a user key; it never changes, a key's name may.
	KeyID string
	// ConnectionID names a connection.
	ConnectionID string
	// TokenID names a token (never its secret).
	TokenID string
	// GrantID names a grant.
	GrantID string
	// ApprovalID names a question; people type it.
	ApprovalID string
	// SlotID names a key slot.
	SlotID string
	// NoticeID names a notice, and the message that carries it.
	NoticeID string
)

var idAlphabet = base32.NewEncoding("abcdefghjkmnpqrstuvwxyz023456789").WithPadding(base32.NoPadding)

// idBytes is 10: 80 random bits, 16 characters.
const idBytes = 10

// questionBytes is 5: 40 random bits, 8 characters, for ids that people type;
// their uniqueness is the store's primary key, they authenticate nothing.
const questionBytes = 5

func randomID(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails since Go 1.24: it ends the process instead
	return idAlphabet.EncodeToString(b)
}

// NewTenantID returns a fresh random id. It sorts after the house's, as locks of
// tenants are taken in order of id.
func NewTenantID() TenantID { return TenantID("t-" + randomID(idBytes)) }

// Guest reports an id as NewTenantID makes them: not the house's, and nothing else that
// somebody wrote.
func (id TenantID) Guest() bool {
	text, ok := strings.CutPrefix(string(id), "t-")
	b, err := idAlphabet.DecodeString(text)
	return ok && err == nil && len(b) == idBytes && idAlphabet.EncodeToString(b) == text
}

// NewKeyID returns a fresh random id.
func NewKeyID() KeyID { return KeyID("k" + randomID(idBytes)) }

// NewConnectionID returns a fresh random id.
func NewConnectionID() ConnectionID { return ConnectionID("c" + randomID(idBytes)) }

// NewTokenID returns a fresh random id.
func NewTokenID() TokenID { return TokenID("t" + randomID(idBytes)) }

// NewGrantID returns a fresh random id.
func NewGrantID() GrantID { return GrantID("g" + randomID(idBytes)) }

// NewApprovalID returns a fresh random id, short enough to type.
func NewApprovalID() ApprovalID { return ApprovalID(randomID(questionBytes)) }

// NewSlotID returns a fresh random id.
func NewSlotID() SlotID { return SlotID("s" + randomID(questionBytes)) }

// NewNoticeID returns a fresh random id.
func NewNoticeID() NoticeID { return NoticeID("n" + randomID(idBytes)) }

// CodeText writes bytes in the alphabet of ids, for codes that people type.
func CodeText(b []byte) string { return idAlphabet.EncodeToString(b) }

// NewSecret returns a token's secret: 160 random bits in characters that every
// client's URI parser takes (interop: [A-Za-z0-9_-] only).
func NewSecret() string { return strings.ToLower(randomID(20)) }
