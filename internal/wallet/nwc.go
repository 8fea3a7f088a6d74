package wallet

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46/ws"
	"nsecbunker/nostr/nip47"
)

// nwc speaks NIP-47.
type nwc struct {
	conn   *nip47.Connection
	pool   *ws.Pool
	client *nip47.Client
}

func newNWC(cfg Config) (client, string, error) {
	if cfg.URL != "" {
		return nil, "", refused("url", "a wallet of the kind nwc has no url: its relays stand in the secret")
	}
	conn, err := nip47.ParseURI(cfg.Arena, bytes.TrimSpace(cfg.Secret))
	if err != nil {
		return nil, "", refused("secret", "%s", err)
	}
	var own []string
	for _, relay := range conn.Relays {
		u, err := url.Parse(relay)
		if err != nil {
			return nil, "", refused("secret", "%s", nip47.ErrRelay)
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"wss": "443", "ws": "80"}[u.Scheme]
		}
		own = append(own, net.JoinHostPort(u.Hostname(), port))
	}
	dialer, err := cfg.dialer(own...)
	if err != nil {
		return nil, "", err
	}
	pool, err := ws.New(ws.Config{
		Now: cfg.Now, Auth: conn.Auth,
		Client: &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}},
	})
	if err != nil {
		return nil, "", err
	}
	c, err := nip47.NewClient(nip47.Config{Connection: conn, Transport: pool, Now: cfg.Now})
	if err != nil {
		return nil, "", err
	}
	return &nwc{conn, pool, c}, "nwc at " + bunker.Display(strings.Join(own, ", "), maxSaid), nil
}

func (n *nwc) close() {
	n.pool.Close()
	n.conn.Destroy()
}

func (n *nwc) make(ctx context.Context, msat int64, memo string, expiry time.Duration) (made, error) {
	t, err := n.client.MakeInvoice(ctx, msat, memo, expiry)
	if err != nil {
		return made{}, err
	}
	m := made{bolt11: t.Invoice}
	if t.PaymentHash != "" {
		m.hash, err = parseHash(t.PaymentHash)
	}
	return m, err
}

func (n *nwc) lookup(ctx context.Context, hash bunker.PaymentHash) (bunker.Invoice, error) {
	t, err := n.client.LookupInvoice(ctx, hash.String())
	var f *nip47.Fault
	if errors.As(err, &f) && f.Code == nip47.CodeNotFound {
		return bunker.Invoice{}, errNotFound
	}
	if err != nil {
		return bunker.Invoice{}, err
	}
	return fromTransaction(&t)
}

// fromTransaction reads what a wallet service says of an invoice. The state came to
// NIP-47 later than settled_at, so some send only that.
func fromTransaction(t *nip47.Transaction) (inv bunker.Invoice, err error) {
	if t.Type != "" && t.Type != "incoming" {
		return inv, wrongf("it answered with a payment out of the wallet")
	}
	if inv.Hash, err = parseHash(t.PaymentHash); err != nil {
		return inv, err
	}
	const long = 1 << 40 // seconds; no product below overflows
	if t.CreatedAt < 0 || t.CreatedAt > long || t.ExpiresAt < 0 || t.ExpiresAt > long || t.SettledAt < 0 || t.SettledAt > long {
		return inv, wrongf("it answered with a time that there cannot be")
	}
	inv.Bolt11, inv.Memo, inv.AmountMsat = t.Invoice, bunker.Display(t.Description, MaxMemo), t.Amount
	inv.CreatedAt, inv.ExpiresAt = t.CreatedAt*1000, t.ExpiresAt*1000
	switch {
	case t.State == "settled", t.State == "" && t.SettledAt > 0:
		inv.State, inv.PaidMsat, inv.SettledAt = bunker.InvoiceSettled, t.Amount, t.SettledAt*1000
	case t.State == "expired":
		inv.State = bunker.InvoiceExpired
	case t.State == "failed":
		inv.State = bunker.InvoiceCancelled
	case t.State == "pending", t.State == "accepted", t.State == "":
		inv.State = bunker.InvoiceOpen
	default:
		return inv, wrongf("it answered with an unknown state of an invoice")
	}
	return inv, nil
}

func (n *nwc) listen(ctx context.Context, heard func(bunker.PaymentHash)) error {
	return n.client.Listen(ctx, func(t nip47.Transaction) {
		if h, err := parseHash(t.PaymentHash); err == nil {
			heard(h)
		}
	})
}

// info asks what the connection may do. A wallet service that does not answer that
// may still say it in its info event, which can be about all its connections.
func (n *nwc) info(ctx context.Context) (Info, error) {
	said, err := n.client.Announced(ctx)
	if err != nil {
		return Info{}, err
	}
	got, err := n.client.GetInfo(ctx)
	var f *nip47.Fault
	asked := err == nil && len(got.Methods) > 0
	if err != nil && !(errors.As(err, &f) && (f.Code == nip47.CodeNotImplemented || f.Code == nip47.CodeRestricted)) {
		return Info{}, err
	}
	i := Info{Name: bunker.Display(got.Alias, maxSaid), Node: bunker.Display(got.Pubkey, 66), Network: bunker.Display(got.Network, 20)}
	for _, name := range said.Notifications {
		i.Notices = i.Notices || name == "payment_received"
	}
	methods := got.Methods
	if !asked {
		methods = said.Methods
	}
	paying := nip47.Paying(methods)
	switch {
	case len(paying) == 0:
		i.Paying, i.Why = CannotPay, "the wallet lists no method that pays"
	case asked:
		i.Paying, i.Why = CanPay, "the wallet permits it "+bunker.Display(strings.Join(paying, ", "), maxSaid)
	default:
		i.Paying, i.Why = MayPay, "the wallet service can pay ("+bunker.Display(strings.Join(paying, ", "), maxSaid)+") and does not say whether this connection may"
	}
	return i, nil
}
