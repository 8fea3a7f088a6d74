package wallet

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"nsecbunker/internal/bunker"
)

// lnbits speaks to one wallet of an LNbits server by its invoice key. LNbits' stream
// of notices has the key in its URL, so it is not used: what is paid is found by
// asking.
type lnbits struct{ *rest }

func (l *lnbits) make(ctx context.Context, msat int64, memo string, expiry time.Duration) (made, error) {
	body, err := json.Marshal(struct {
		Out    bool   `json:"out"`
		Amount int64  `json:"amount"`
		Unit   string `json:"unit"`
		Memo   string `json:"memo"`
		Expiry int64  `json:"expiry"`
	}{false, msat / Satoshi, "sat", memo, int64(expiry / time.Second)})
	if err != nil {
		return made{}, err
	}
	b, err := l.call(ctx, http.MethodPost, "/api/v1/payments", jsonBody(), body)
	if err != nil {
		return made{}, err
	}
	return parseLNbitsMade(b)
}

func (l *lnbits) lookup(ctx context.Context, hash bunker.PaymentHash) (bunker.Invoice, error) {
	b, err := l.call(ctx, http.MethodGet, "/api/v1/payments/"+hash.String(), nil, nil)
	var s *said
	if errors.As(err, &s) && s.status == http.StatusNotFound {
		return bunker.Invoice{}, errNotFound
	}
	if err != nil {
		return bunker.Invoice{}, err
	}
	return parseLNbitsPayment(b)
}

func (l *lnbits) listen(context.Context, func(bunker.PaymentHash)) error { return nil }

func (l *lnbits) info(ctx context.Context) (Info, error) {
	b, err := l.call(ctx, http.MethodGet, "/api/v1/wallet", nil, nil)
	if err != nil {
		return Info{}, err
	}
	return parseLNbitsWallet(b)
}
