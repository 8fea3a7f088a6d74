package wallet

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
)

// The answers of the HTTP APIs. Fields that are not read are passed over: newer
// versions add some. Each parser takes any bytes.

// errorWords finds the words in an error's body: {"detail":…} of LNbits,
// {"message":…} of lnd, plain text of phoenixd.
func errorWords(b []byte) string {
	var e struct{ Detail, Message, Error string }
	if json.Unmarshal(b, &e) == nil {
		for _, s := range []string{e.Detail, e.Message, e.Error} {
			if s != "" {
				return bunker.Display(s, maxSaid)
			}
		}
	}
	return bunker.Display(strings.ToValidUTF8(string(b), ""), maxSaid)
}

// number is an integer that some write as text (lnd's 64-bit numbers are).
type number int64

func (n *number) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	if err != nil {
		return wrongf("it sent %d characters where a number belongs", len(b))
	}
	*n = number(v)
	return nil
}

func decode(b []byte, v any) error {
	if json.Unmarshal(b, v) != nil {
		return wrongf("its answer is not the JSON that this kind of wallet sends")
	}
	return nil
}

// parseLNbitsMade reads the answer of POST /api/v1/payments. Since LNbits 1.0 the
// invoice is bolt11, before payment_request.
func parseLNbitsMade(b []byte) (m made, err error) {
	var a struct {
		Hash    string `json:"payment_hash"`
		Bolt11  string `json:"bolt11"`
		Request string `json:"payment_request"`
	}
	if err := decode(b, &a); err != nil {
		return m, err
	}
	if m.bolt11 = a.Bolt11; m.bolt11 == "" {
		m.bolt11 = a.Request
	}
	m.hash, err = parseHash(a.Hash)
	return m, err
}

// parseLNbitsPayment reads the answer of GET /api/v1/payments/{hash}. Details are
// there only for the wallet that the key is of. Its amount is the invoice's: LNbits
// does not say what was paid above it.
func parseLNbitsPayment(b []byte) (inv bunker.Invoice, err error) {
	var a struct {
		Paid    bool   `json:"paid"`
		Status  string `json:"status"`
		Details *struct {
			Hash    string          `json:"payment_hash"`
			Amount  number          `json:"amount"`
			Bolt11  string          `json:"bolt11"`
			Memo    string          `json:"memo"`
			Updated json.RawMessage `json:"updated_at"`
		} `json:"details"`
	}
	if err := decode(b, &a); err != nil {
		return inv, err
	}
	if a.Details == nil {
		return inv, errNotFound
	}
	if a.Details.Amount <= 0 {
		return inv, wrongf("it answered with a payment out of the wallet")
	}
	if inv.Hash, err = parseHash(a.Details.Hash); err != nil {
		return inv, err
	}
	inv.Bolt11, inv.Memo, inv.AmountMsat = a.Details.Bolt11, bunker.Display(a.Details.Memo, MaxMemo), int64(a.Details.Amount)
	switch {
	case a.Paid:
		inv.State, inv.PaidMsat, inv.SettledAt = bunker.InvoiceSettled, int64(a.Details.Amount), timeOf(a.Details.Updated)
	case a.Status == "failed":
		inv.State = bunker.InvoiceCancelled
	default:
		inv.State = bunker.InvoiceOpen
	}
	return inv, nil
}

// timeOf reads a time as LNbits' versions write it: ISO 8601 with or without a
// zone (UTC), or Unix seconds. 0: none of them.
func timeOf(raw json.RawMessage) int64 {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		var f float64
		if json.Unmarshal(raw, &f) == nil && f > 0 && f < 1e11 {
			return int64(f * 1000)
		}
		return 0
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixMilli()
		}
	}
	return 0
}

// parseLNbitsWallet reads the answer of GET /api/v1/wallet: the wallet's id is in
// it for the admin key only.
func parseLNbitsWallet(b []byte) (Info, error) {
	var a struct {
		ID   *string `json:"id"`
		Name string  `json:"name"`
		// Balance is in every version's answer: without it this is no LNbits.
		Balance *json.Number `json:"balance"`
	}
	if err := decode(b, &a); err != nil {
		return Info{}, err
	}
	if a.Balance == nil {
		return Info{}, wrongf("its answer is not that of an LNbits wallet")
	}
	i := Info{Name: bunker.Display(a.Name, maxSaid), Paying: CannotPay, Why: "LNbits answers as to an invoice key"}
	if a.ID != nil {
		i.Paying, i.Why = CanPay, "it is the wallet's admin key"
	}
	return i, nil
}

// parsePhoenixdMade reads the answer of POST /createinvoice.
func parsePhoenixdMade(b []byte) (m made, err error) {
	var a struct {
		Hash    string `json:"paymentHash"`
		Invoice string `json:"serialized"`
	}
	if err := decode(b, &a); err != nil {
		return m, err
	}
	m.bolt11 = a.Invoice
	m.hash, err = parseHash(a.Hash)
	return m, err
}

// parsePhoenixdPayment reads the answer of GET /payments/incoming/{hash}. What the
// payer paid is what arrived and the fees together; the first is cut to whole
// satoshis, so the sum is rounded up to one.
func parsePhoenixdPayment(b []byte) (inv bunker.Invoice, err error) {
	var a struct {
		Hash        string `json:"paymentHash"`
		Description string `json:"description"`
		Invoice     string `json:"invoice"`
		Paid        bool   `json:"isPaid"`
		Expired     bool   `json:"isExpired"`
		Requested   number `json:"requestedSat"`
		Received    number `json:"receivedSat"`
		Fees        number `json:"fees"`
		ExpiresAt   number `json:"expiresAt"`
		CompletedAt number `json:"completedAt"`
		CreatedAt   number `json:"createdAt"`
	}
	if err := decode(b, &a); err != nil {
		return inv, err
	}
	if inv.Hash, err = parseHash(a.Hash); err != nil {
		return inv, err
	}
	const most = MaxAmountMsat * 1000 / Satoshi // no sum below overflows
	if a.Requested < 0 || a.Received < 0 || a.Fees < 0 || a.Requested > most || a.Received > most || a.Fees > most*Satoshi {
		return inv, wrongf("it answered with an amount that there cannot be")
	}
	inv.Bolt11, inv.Memo = a.Invoice, bunker.Display(a.Description, MaxMemo)
	inv.AmountMsat, inv.CreatedAt, inv.ExpiresAt = int64(a.Requested)*Satoshi, int64(a.CreatedAt), int64(a.ExpiresAt)
	switch {
	case a.Paid:
		sum := int64(a.Received)*Satoshi + int64(a.Fees)
		inv.State, inv.PaidMsat, inv.SettledAt = bunker.InvoiceSettled, (sum+Satoshi-1)/Satoshi*Satoshi, int64(a.CompletedAt)
	case a.Expired:
		inv.State = bunker.InvoiceExpired
	default:
		inv.State = bunker.InvoiceOpen
	}
	return inv, nil
}

// parsePhoenixdNode reads the answer of GET /getinfo.
func parsePhoenixdNode(b []byte) (Info, error) {
	var a struct{ NodeID, Chain, Version string }
	if err := decode(b, &a); err != nil {
		return Info{}, err
	}
	if a.NodeID == "" {
		return Info{}, wrongf("its answer is not phoenixd's")
	}
	return Info{Node: bunker.Display(a.NodeID, 66), Network: bunker.Display(a.Chain, 20), Version: bunker.Display(a.Version, 40)}, nil
}

// parsePhoenixdEvent reads one message of phoenixd's websocket.
func parsePhoenixdEvent(b []byte) (bunker.PaymentHash, bool) {
	var a struct {
		Hash string `json:"paymentHash"`
	}
	if json.Unmarshal(b, &a) != nil {
		return bunker.PaymentHash{}, false
	}
	h, err := parseHash(a.Hash)
	return h, err == nil
}

// parseLNDMade reads the answer of POST /v1/invoices.
func parseLNDMade(b []byte) (m made, err error) {
	var a struct {
		Hash    string `json:"r_hash"`
		Invoice string `json:"payment_request"`
	}
	if err := decode(b, &a); err != nil {
		return m, err
	}
	m.bolt11 = a.Invoice
	m.hash, err = hexOrBase64(a.Hash)
	return m, err
}

// lndInvoice is lnd's message Invoice in JSON.
type lndInvoice struct {
	Hash     string `json:"r_hash"`
	Memo     string `json:"memo"`
	Request  string `json:"payment_request"`
	Value    number `json:"value_msat"`
	Paid     number `json:"amt_paid_msat"`
	Created  number `json:"creation_date"`
	Expiry   number `json:"expiry"`
	Settled  number `json:"settle_date"`
	State    string `json:"state"`
	IsKeysnd bool   `json:"is_keysend"`
}

// parseLNDInvoice reads the answer of GET /v1/invoice/{hash}.
func parseLNDInvoice(b []byte) (inv bunker.Invoice, err error) {
	var a lndInvoice
	if err := decode(b, &a); err != nil {
		return inv, err
	}
	return a.invoice()
}

func (a *lndInvoice) invoice() (inv bunker.Invoice, err error) {
	if inv.Hash, err = hexOrBase64(a.Hash); err != nil {
		return inv, err
	}
	const long = 1 << 40 // seconds; no sum below overflows
	if a.Created < 0 || a.Created > long || a.Expiry < 0 || a.Expiry > long || a.Settled < 0 || a.Settled > long {
		return inv, wrongf("it answered with a time that there cannot be")
	}
	inv.Memo, inv.Bolt11, inv.AmountMsat = bunker.Display(a.Memo, MaxMemo), a.Request, int64(a.Value)
	inv.CreatedAt, inv.ExpiresAt = int64(a.Created)*1000, int64(a.Created+a.Expiry)*1000
	switch a.State {
	case "SETTLED":
		inv.State, inv.PaidMsat, inv.SettledAt = bunker.InvoiceSettled, int64(a.Paid), int64(a.Settled)*1000
	case "CANCELED":
		inv.State = bunker.InvoiceCancelled
	case "OPEN", "ACCEPTED", "": // accepted: on its way; lnd's gateway may leave out a zero value
		inv.State = bunker.InvoiceOpen
	default:
		return inv, wrongf("it answered with an unknown state of an invoice")
	}
	return inv, nil
}

// parseLNDEvent reads one line of GET /v1/invoices/subscribe.
func parseLNDEvent(b []byte) (bunker.PaymentHash, bool) {
	var a struct {
		Result *lndInvoice `json:"result"`
	}
	if json.Unmarshal(b, &a) != nil || a.Result == nil || a.Result.State == "OPEN" {
		return bunker.PaymentHash{}, false
	}
	h, err := hexOrBase64(a.Result.Hash)
	return h, err == nil
}

// parseLNDNode reads the answer of GET /v1/getinfo.
func parseLNDNode(b []byte) (Info, error) {
	var a struct {
		Pubkey  string `json:"identity_pubkey"`
		Alias   string `json:"alias"`
		Version string `json:"version"`
		Chains  []struct {
			Network string `json:"network"`
		} `json:"chains"`
	}
	if err := decode(b, &a); err != nil {
		return Info{}, err
	}
	i := Info{Name: bunker.Display(a.Alias, maxSaid), Node: bunker.Display(a.Pubkey, 66), Version: bunker.Display(a.Version, 80)}
	if len(a.Chains) > 0 {
		i.Network = bunker.Display(a.Chains[0].Network, 20)
	}
	return i, nil
}

func base64Hash(s string) (h bunker.PaymentHash, err error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		b, err = base64.URLEncoding.DecodeString(s)
	}
	if err != nil || len(b) != len(h) {
		return h, wrongf("it sent %d characters where a payment hash belongs", len(s))
	}
	return bunker.PaymentHash(b), nil
}
