package wallet

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
)

// lnd speaks to lnd's REST by an invoice macaroon.
type lnd struct {
	*rest
	rights []right
}

func (l *lnd) make(ctx context.Context, msat int64, memo string, expiry time.Duration) (made, error) {
	body, err := json.Marshal(struct {
		Value  string `json:"value_msat"` // 64-bit numbers are text in lnd's JSON
		Memo   string `json:"memo"`
		Expiry string `json:"expiry"`
	}{strconv.FormatInt(msat, 10), memo, strconv.FormatInt(int64(expiry/time.Second), 10)})
	if err != nil {
		return made{}, err
	}
	b, err := l.call(ctx, http.MethodPost, "/v1/invoices", jsonBody(), body)
	if err != nil {
		return made{}, err
	}
	return parseLNDMade(b)
}

func (l *lnd) lookup(ctx context.Context, hash bunker.PaymentHash) (bunker.Invoice, error) {
	b, err := l.call(ctx, http.MethodGet, "/v1/invoice/"+hash.String(), nil, nil)
	var s *said
	if errors.As(err, &s) && (s.status == http.StatusNotFound || strings.Contains(s.words, "unable to locate invoice") || strings.Contains(s.words, "no existing invoices")) {
		return bunker.Invoice{}, errNotFound
	}
	if err != nil {
		return bunker.Invoice{}, err
	}
	return parseLNDInvoice(b)
}

// listen reads the stream of invoices, one JSON document a line.
func (l *lnd) listen(ctx context.Context, heard func(bunker.PaymentHash)) error {
	resp, err := l.send(ctx, l.stream, http.MethodGet, "/v1/invoices/subscribe", nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if h, ok := parseLNDEvent(lines.Bytes()); ok {
			heard(h)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

// info tells what the macaroon may do, which stands in it, and asks lnd for
// itself. An invoice macaroon may not ask for that: then a list of one invoice shows
// that it is taken.
func (l *lnd) info(ctx context.Context) (Info, error) {
	b, err := l.call(ctx, http.MethodGet, "/v1/getinfo", nil, nil)
	var s *said
	var i Info
	switch {
	case err == nil:
		if i, err = parseLNDNode(b); err != nil {
			return Info{}, err
		}
	case errors.As(err, &s) && strings.Contains(s.words, "permission denied"):
		if _, err := l.call(ctx, http.MethodGet, "/v1/invoices?num_max_invoices=1", nil, nil); err != nil {
			return Info{}, err
		}
	default:
		return Info{}, err
	}
	i.Notices = true
	i.Paying, i.Why = judgeRights(l.rights)
	return i, nil
}
