package wallet

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/coder/websocket"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// phoenixd speaks to ACINQ's phoenixd by its limited password.
type phoenixd struct{ *rest }

// basicAuth is HTTP's basic authentication without a user (RFC 7617).
func basicAuth(password []byte) string {
	pair := append([]byte{':'}, password...)
	defer secret.Wipe(pair)
	return "Basic " + base64.StdEncoding.EncodeToString(pair)
}

func formBody() http.Header {
	return http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
}

func (p *phoenixd) make(ctx context.Context, msat int64, memo string, expiry time.Duration) (made, error) {
	form := url.Values{
		"amountSat":     {strconv.FormatInt(msat/Satoshi, 10)},
		"description":   {memo},
		"expirySeconds": {strconv.FormatInt(int64(expiry/time.Second), 10)},
	}
	b, err := p.call(ctx, http.MethodPost, "/createinvoice", formBody(), []byte(form.Encode()))
	if err != nil {
		return made{}, err
	}
	return parsePhoenixdMade(b)
}

func (p *phoenixd) lookup(ctx context.Context, hash bunker.PaymentHash) (bunker.Invoice, error) {
	b, err := p.call(ctx, http.MethodGet, "/payments/incoming/"+hash.String(), nil, nil)
	var s *said
	if errors.As(err, &s) && s.status == http.StatusNotFound {
		return bunker.Invoice{}, errNotFound
	}
	if err != nil {
		return bunker.Invoice{}, err
	}
	return parsePhoenixdPayment(b)
}

// listen reads phoenixd's websocket of payments that arrived.
func (p *phoenixd) listen(ctx context.Context, heard func(bunker.PaymentHash)) error {
	u := *p.base
	u.Scheme = map[string]string{"http": "ws", "https": "wss"}[u.Scheme]
	u.Path += "/websocket"
	h := http.Header{}
	if err := p.key.Use(func(key []byte) { p.sign(h, key) }); err != nil {
		return err
	}
	conn, resp, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{HTTPClient: p.stream, HTTPHeader: h})
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return &said{resp.StatusCode, ""}
		}
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(maxLine)
	for {
		_, b, err := conn.Read(ctx)
		if err != nil {
			return err
		}
		if h, ok := parsePhoenixdEvent(b); ok {
			heard(h)
		}
	}
}

// info asks for the node, and whether the password could pay: it asks to pay
// nothing. phoenixd judges the password before it looks for the invoice, so the
// limited one gets 401 and the full one 400 ("missing invoice").
func (p *phoenixd) info(ctx context.Context) (Info, error) {
	b, err := p.call(ctx, http.MethodGet, "/getinfo", nil, nil)
	if err != nil {
		return Info{}, err
	}
	i, err := parsePhoenixdNode(b)
	if err != nil {
		return Info{}, err
	}
	i.Notices = true
	_, err = p.call(ctx, http.MethodPost, "/payinvoice", formBody(), nil)
	var s *said
	switch {
	case errors.As(err, &s) && (s.status == http.StatusUnauthorized || s.status == http.StatusForbidden):
		i.Paying, i.Why = CannotPay, "phoenixd refuses this password where payments are asked for"
	case errors.As(err, &s) && s.status == http.StatusBadRequest:
		i.Paying, i.Why = CanPay, "it is phoenixd's full password"
	case errors.As(err, &s):
		i.Paying, i.Why = MayPay, "phoenixd answered "+strconv.Itoa(s.status)+" where it was asked what this password may do"
	case err == nil:
		i.Paying, i.Why = CanPay, "phoenixd takes this password where payments are asked for"
	default:
		return Info{}, err
	}
	return i, nil
}
