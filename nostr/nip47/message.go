package nip47

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip04"
	"nsecbunker/nostr/nip44"
)

// Kinds of events (NIP-47, Events).
const (
	KindInfo           nostr.Kind = 13194
	KindRequest        nostr.Kind = 23194
	KindResponse       nostr.Kind = 23195
	KindNotification04 nostr.Kind = 23196 // closed by NIP-04
	KindNotification   nostr.Kind = 23197
)

// Methods that are asked for here.
const (
	MethodMakeInvoice   = "make_invoice"
	MethodLookupInvoice = "lookup_invoice"
	MethodGetInfo       = "get_info"
)

// paying are the methods with which money can leave a wallet.
var paying = [...]string{"pay_invoice", "pay_keysend", "multi_pay_invoice", "multi_pay_keysend"}

// Paying returns the methods of a list with which money can leave the wallet.
func Paying(methods []string) []string {
	var out []string
	for _, m := range methods {
		for _, p := range paying {
			if m == p || strings.HasPrefix(m, "pay_") && p == paying[0] {
				out = append(out, m)
				break
			}
		}
	}
	return out
}

// Encryption is how contents are closed (NIP-47, Encryption).
type Encryption string

// The two encryptions.
const (
	NIP44 Encryption = "nip44_v2"
	NIP04 Encryption = "nip04"
)

// MaxContent is the size in bytes of the largest message that is opened.
const MaxContent = 64 << 10

// Error codes of wallet services (NIP-47, Error codes) that are told apart here.
const (
	CodeNotImplemented = "NOT_IMPLEMENTED"
	CodeRestricted     = "RESTRICTED"
	CodeUnauthorized   = "UNAUTHORIZED"
	CodeNotFound       = "NOT_FOUND"
	CodeRateLimited    = "RATE_LIMITED"
)

// Fault is a wallet service's refusal. Its text is a stranger's.
type Fault struct{ Code, Message string }

func (f *Fault) Error() string { return "the wallet answered " + f.Code + ": " + f.Message }

// Transaction is an invoice or a payment as wallet services tell of it. Amounts
// are msat, times Unix seconds; what was not said is zero.
type Transaction struct {
	Type        string `json:"type"`
	State       string `json:"state"`
	Invoice     string `json:"invoice"`
	Description string `json:"description"`
	PaymentHash string `json:"payment_hash"`
	Amount      int64  `json:"amount"`
	CreatedAt   int64  `json:"created_at"`
	ExpiresAt   int64  `json:"expires_at"`
	SettledAt   int64  `json:"settled_at"`
	// Preimage is of invoices that were paid: some services send one before, so it
	// proves nothing.
	Preimage string `json:"preimage"`
}

// Info is what a wallet service says of itself and of this connection.
type Info struct {
	Alias         string   `json:"alias"`
	Pubkey        string   `json:"pubkey"` // of the Lightning node
	Network       string   `json:"network"`
	Methods       []string `json:"methods"`
	Notifications []string `json:"notifications"`
}

// ErrMessage means that a message of a wallet service is none of NIP-47's.
var ErrMessage = errors.New("the wallet sent a message that is none of NIP-47's")

// response is NIP-47's. A result of the wrong method is refused.
type response struct {
	ResultType string          `json:"result_type"`
	Error      *faultJSON      `json:"error"`
	Result     json.RawMessage `json:"result"`
}

type faultJSON struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// maxFault is how many bytes of a service's words are kept.
const maxFault = 300

// ParseResponse reads the answer to a method into result, or returns the *Fault
// that the service answered. result may be nil.
func ParseResponse(plain []byte, method string, result any) error {
	var r response
	if json.Unmarshal(plain, &r) != nil {
		return ErrMessage
	}
	if r.Error != nil {
		return &Fault{Code: cut(r.Error.Code, 40), Message: cut(r.Error.Message, maxFault)}
	}
	if r.ResultType != method || len(r.Result) == 0 || bytes.Equal(r.Result, []byte("null")) {
		return ErrMessage
	}
	if result != nil && json.Unmarshal(r.Result, result) != nil {
		return ErrMessage
	}
	return nil
}

// ParseNotification reads a notification; what is none of a received payment has
// another kind.
func ParseNotification(plain []byte) (kind string, t Transaction, err error) {
	var n struct {
		Type         string          `json:"notification_type"`
		Notification json.RawMessage `json:"notification"`
	}
	if json.Unmarshal(plain, &n) != nil || n.Type == "" {
		return "", t, ErrMessage
	}
	if n.Type != "payment_received" {
		return cut(n.Type, 40), t, nil
	}
	if json.Unmarshal(n.Notification, &t) != nil {
		return "", t, ErrMessage
	}
	return n.Type, t, nil
}

// Announcement is what the info event says (NIP-47, Info Event).
type Announcement struct {
	Methods       []string
	Notifications []string
	Encryption    Encryption // the better one of those that it names
}

// maxListed is how many words of a list are read.
const maxListed = 64

// ParseAnnouncement reads an info event, whose author the caller checked.
func ParseAnnouncement(e *nostr.Event) (Announcement, error) {
	if e.Kind != KindInfo {
		return Announcement{}, ErrMessage
	}
	a := Announcement{Methods: words(e.Content), Notifications: words(e.Tags.Find("notifications").Value()), Encryption: NIP04}
	for _, w := range words(e.Tags.Find("encryption").Value()) {
		if w == string(NIP44) {
			a.Encryption = NIP44
		}
	}
	return a, nil
}

func words(s string) []string {
	list := strings.Fields(cut(s, MaxContent))
	return list[:min(len(list), maxListed)]
}

func cut(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return s
}

// Close encrypts for the peer.
func (e Encryption) Close(key *nostr.SecretKey, peer nostr.PubKey, plain []byte) (string, error) {
	var shared [32]byte
	defer secret.Wipe(shared[:])
	if e == NIP04 {
		if err := nip04.SharedKey(key, peer, &shared); err != nil {
			return "", err
		}
		return nip04.Encrypt(&shared, plain)
	}
	if err := nip44.ConversationKey(key, peer, &shared); err != nil {
		return "", err
	}
	return nip44.Encrypt(&shared, plain)
}

// Open decrypts what the peer closed.
func (e Encryption) Open(key *nostr.SecretKey, peer nostr.PubKey, content string) ([]byte, error) {
	if len(content) > 2*MaxContent {
		return nil, fmt.Errorf("the wallet sent a message of more than %d bytes", MaxContent)
	}
	var shared [32]byte
	defer secret.Wipe(shared[:])
	if e == NIP04 {
		if err := nip04.SharedKey(key, peer, &shared); err != nil {
			return nil, err
		}
		return nip04.Decrypt(&shared, content)
	}
	if err := nip44.ConversationKey(key, peer, &shared); err != nil {
		return nil, err
	}
	plain, _, err := nip44.Decrypt(&shared, content)
	return plain, err
}
