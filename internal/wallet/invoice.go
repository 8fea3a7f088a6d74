package wallet

import (
	"context"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/wallet/bolt11"
)

// Make asks the wallet for an invoice over msat (whole satoshis), and holds what
// comes against it: the amount, the hash, the network, the time, the signature. A
// wallet connection that could pay is refused (ErrCanPay). The memo is one line of
// at most MaxMemo bytes; what a wallet makes of it is not checked.
//
// A failed Make may have left an invoice in the wallet that nobody is shown; no
// money comes to it.
func (w *Wallet) Make(ctx context.Context, msat int64, memo string, expiry time.Duration) (bunker.Invoice, error) {
	if err := checkOrder(msat, memo, expiry); err != nil {
		return bunker.Invoice{}, err
	}
	if err := w.ready(ctx); err != nil {
		return bunker.Invoice{}, err
	}
	call, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	defer cancel()
	m, err := w.client.make(call, msat, memo, expiry)
	if err == nil {
		var inv bunker.Invoice
		if inv, err = w.verify(m, msat); err == nil {
			inv.Memo = memo
			w.note(nil)
			return inv, nil
		}
	}
	if ctx.Err() != nil {
		return bunker.Invoice{}, ctx.Err()
	}
	return bunker.Invoice{}, w.judge(err)
}

func checkOrder(msat int64, memo string, expiry time.Duration) error {
	switch {
	case msat < Satoshi || msat > MaxAmountMsat || msat%Satoshi != 0:
		return refused("amount", "an invoice is over 1 to %d whole satoshis, not %d msat", MaxAmountMsat/Satoshi, msat)
	case len(memo) > MaxMemo || !utf8.ValidString(memo) || bunker.Display(memo, MaxMemo) != memo:
		return refused("memo", "an invoice's memo is one line of at most %d bytes", MaxMemo)
	case expiry < MinExpiry || expiry > MaxExpiry:
		return refused("expiry", "an invoice can be paid for %v to %v, not %v", MinExpiry, MaxExpiry, expiry)
	}
	return nil
}

// verify reads a new invoice and holds it against what was asked for.
func (w *Wallet) verify(m made, msat int64) (bunker.Invoice, error) {
	b, err := bolt11.Parse(m.bolt11)
	if err != nil {
		return bunker.Invoice{}, wrongf("its invoice cannot be read (%w)", err)
	}
	now := w.cfg.Now()
	switch {
	case b.Network != networks()[w.cfg.Network]:
		return bunker.Invoice{}, wrongf("its invoice is for another network (ln%s) than the configuration says", b.Network)
	case b.AmountMsat != msat:
		return bunker.Invoice{}, wrongf("its invoice is over %d msat, not over %d", b.AmountMsat, msat)
	case !m.hash.IsZero() && m.hash != b.Hash:
		return bunker.Invoice{}, wrongf("its invoice has another payment hash than it says")
	case bunker.PaymentHash(b.Hash).IsZero():
		return bunker.Invoice{}, wrongf("its invoice has no payment hash")
	case time.Unix(b.ExpiresAt, 0).Before(now.Add(MinExpiry / 2)):
		return bunker.Invoice{}, wrongf("its invoice expires at once; is one of the two clocks wrong?")
	case time.Unix(b.CreatedAt, 0).After(now.Add(ageSlack)):
		return bunker.Invoice{}, wrongf("its invoice is of the future; is one of the two clocks wrong?")
	}
	return bunker.Invoice{
		Hash: b.Hash, Bolt11: strings.ToLower(m.bolt11), AmountMsat: msat, State: bunker.InvoiceOpen,
		CreatedAt: b.CreatedAt * 1000, ExpiresAt: b.ExpiresAt * 1000,
	}, nil
}

// Lookup asks the wallet for an invoice. What the wallet does not say is left zero;
// Hash, State and, of one that is settled, PaidMsat and SettledAt are always there.
// An unknown hash is CodeNotFound.
func (w *Wallet) Lookup(ctx context.Context, hash bunker.PaymentHash) (bunker.Invoice, error) {
	call, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	defer cancel()
	inv, err := w.client.lookup(call, hash)
	if err == nil {
		if err = w.complete(&inv, hash); err == nil {
			w.note(nil)
			return inv, nil
		}
	}
	if ctx.Err() != nil {
		return bunker.Invoice{}, ctx.Err()
	}
	return bunker.Invoice{}, w.judge(err)
}

// complete fills in what the wallet left to its invoice's text, and holds the two
// against each other.
func (w *Wallet) complete(inv *bunker.Invoice, hash bunker.PaymentHash) error {
	if inv.Hash != hash {
		return wrongf("it was asked for one invoice and answered with another")
	}
	if inv.Bolt11 != "" {
		b, err := bolt11.Parse(inv.Bolt11)
		if err != nil || b.Hash != hash {
			return wrongf("it answered with an invoice that is not the one that was asked for")
		}
		inv.Bolt11 = strings.ToLower(inv.Bolt11)
		inv.AmountMsat, inv.CreatedAt, inv.ExpiresAt = b.AmountMsat, b.CreatedAt*1000, b.ExpiresAt*1000
	}
	now := w.cfg.Now().UnixMilli()
	past := inv.ExpiresAt != 0 && inv.ExpiresAt <= now
	switch inv.State {
	case bunker.InvoiceSettled:
		if inv.PaidMsat <= 0 {
			return wrongf("it says that an invoice was paid, with %d msat", inv.PaidMsat)
		}
		if inv.SettledAt <= 0 || inv.SettledAt > now {
			inv.SettledAt = now // wallets that do not say when: by our clock, the latest it can be
		}
		return nil
	case bunker.InvoiceOpen, bunker.InvoiceCancelled:
		if past {
			inv.State = bunker.InvoiceExpired
		}
	case bunker.InvoiceExpired:
	default:
		return wrongf("it does not say what became of the invoice")
	}
	inv.PaidMsat, inv.SettledAt = 0, 0
	return nil
}

// parseHash reads a payment hash from an answer.
func parseHash(s string) (bunker.PaymentHash, error) {
	h, err := bunker.ParsePaymentHash(strings.ToLower(s))
	if err != nil {
		return h, wrongf("it sent %d characters where a payment hash belongs", len(s))
	}
	return h, nil
}

// hexOrBase64 reads a hash of lnd's REST: hex or base64, depending on how it was built.
func hexOrBase64(s string) (bunker.PaymentHash, error) {
	if len(s) == hex.EncodedLen(32) {
		return parseHash(s)
	}
	return base64Hash(s)
}
