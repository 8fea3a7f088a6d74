package wallet

import (
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip47"
)

// FuzzAnswer gives any bytes to all that reads a wallet's answers: nothing panics,
// and what is taken makes sense.
func FuzzAnswer(f *testing.F) {
	h := strings.Repeat("ab", 32)
	for _, s := range []string{
		`{"payment_hash":"` + h + `","bolt11":"lnbc1"}`,
		`{"paid":true,"status":"success","details":{"payment_hash":"` + h + `","amount":21000,"bolt11":"","memo":"x","updated_at":"2026-01-02T03:04:05.678"}}`,
		`{"id":"x","name":"shop","balance":5}`,
		`{"paymentHash":"` + h + `","serialized":"lnbc1"}`,
		`{"paymentHash":"` + h + `","isPaid":true,"receivedSat":21,"fees":1500,"requestedSat":22,"completedAt":5}`,
		`{"nodeId":"02","chain":"mainnet","version":"1"}`,
		`{"r_hash":"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=","payment_request":"lnbc1"}`,
		`{"r_hash":"` + h + `","state":"SETTLED","amt_paid_msat":"21000","settle_date":"5","creation_date":"1","expiry":"3600"}`,
		`{"result":{"r_hash":"` + h + `","state":"SETTLED"}}`,
		`{"identity_pubkey":"02","chains":[{"network":"simnet"}]}`,
		`{"type":"incoming","state":"settled","payment_hash":"` + h + `","amount":21000,"settled_at":5}`,
		`{"detail":"no"}`, `{"amount":1e400}`, `{"amount":"99999999999999999999"}`, `[]`, `null`, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, parse := range map[string]func([]byte) (bunker.Invoice, error){
			"LNbits": parseLNbitsPayment, "phoenixd": parsePhoenixdPayment, "lnd": parseLNDInvoice,
			"NIP-47": func(b []byte) (inv bunker.Invoice, err error) {
				var x nip47.Transaction
				if err := decode(b, &x); err != nil {
					return inv, err
				}
				return fromTransaction(&x)
			},
		} {
			inv, err := parse(b)
			if err != nil {
				continue
			}
			switch inv.State {
			case bunker.InvoiceOpen, bunker.InvoiceSettled, bunker.InvoiceExpired, bunker.InvoiceCancelled:
			default:
				t.Errorf("%s: %q has the state %q", name, b, inv.State)
			}
			if inv.State != bunker.InvoiceSettled && inv.PaidMsat != 0 || len(inv.Memo) > 16*MaxMemo || inv.CreatedAt < 0 && name != "phoenixd" {
				t.Errorf("%s: %q was read as %+v", name, b, inv)
			}
		}
		for _, parse := range []func([]byte) (made, error){parseLNbitsMade, parsePhoenixdMade, parseLNDMade} {
			_, _ = parse(b)
		}
		for _, parse := range []func([]byte) (Info, error){parseLNbitsWallet, parsePhoenixdNode, parseLNDNode} {
			if i, err := parse(b); err == nil && i.Paying == MayPay {
				t.Errorf("%q: %+v", b, i)
			}
		}
		_, _ = parseLNDEvent(b)
		_, _ = parsePhoenixdEvent(b)
		if s := errorWords(b); s != bunker.Display(s, maxSaid) {
			t.Errorf("%q is shown as %q", b, s)
		}
	})
}

// FuzzMacaroon: what cannot be read names no rights, and what does can be judged.
func FuzzMacaroon(f *testing.F) {
	f.Add([]byte("\x02\x01\x03lnd\x02\x10\x03\x1a\x0d\x0a\x05quant\x12\x04read\x00\x00\x06\x00"))
	f.Add([]byte("0201036c6e64"))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, rights, err := macaroonHex(b)
		if err != nil {
			if text != nil || rights != nil {
				t.Error("a macaroon that cannot be read has rights")
			}
			return
		}
		if len(rights) == 0 || len(text)%2 != 0 {
			t.Errorf("%x was read as %v", b, rights)
		}
		if p, why := judgeRights(rights); p != CanPay && p != CannotPay || why == "" {
			t.Errorf("%v: %q %q", rights, p, why)
		}
	})
}
