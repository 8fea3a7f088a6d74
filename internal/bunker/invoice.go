package bunker

import (
	"encoding/hex"
	"errors"
)

// PaymentHash names an invoice: SHA-256 of what its payer gets for the payment
// (BOLT 11, section Data Part, field p).
type PaymentHash [32]byte

// String is the hash in hex.
func (h PaymentHash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether it names nothing.
func (h PaymentHash) IsZero() bool { return h == PaymentHash{} }

// ParsePaymentHash reads 64 digits of hex.
func ParsePaymentHash(s string) (h PaymentHash, err error) {
	if len(s) != 2*len(h) {
		return h, errors.New("a payment hash is 64 digits of hex")
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return PaymentHash{}, errors.New("a payment hash is 64 digits of hex")
	}
	return h, nil
}

// MarshalText writes hex.
func (h PaymentHash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads hex.
func (h *PaymentHash) UnmarshalText(b []byte) (err error) {
	*h, err = ParsePaymentHash(string(b))
	return err
}

// InvoiceState is the life of an invoice, as the wallet tells it.
type InvoiceState string

// The states of an invoice. Open may become any of the others; settled is final.
const (
	InvoiceOpen      InvoiceState = "open"
	InvoiceSettled   InvoiceState = "settled"
	InvoiceExpired   InvoiceState = "expired"   // nobody paid in time; some wallets let a payment under way still arrive
	InvoiceCancelled InvoiceState = "cancelled" // taken back at the wallet
)

// Invoice is a request for a payment over Lightning, as a wallet of ours knows
// it. Amounts are thousandths of a satoshi, times are unix ms.
type Invoice struct {
	Hash       PaymentHash
	Bolt11     string // what a payer's wallet is shown
	AmountMsat int64  // asked for
	Memo       string
	CreatedAt  int64
	ExpiresAt  int64
	State      InvoiceState
	SettledAt  int64 // 0 unless settled
	// PaidMsat is what arrived: 0 unless settled. It can be more than was asked
	// for; a wallet that takes less is wrong, so look.
	PaidMsat int64
}
