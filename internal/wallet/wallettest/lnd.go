package wallettest

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

// Macaroon writes one as lnd's library does, over rights "entity:action". Nothing
// checks its signature here.
func Macaroon(rights ...[2]string) []byte {
	bytesField := func(dst []byte, tag byte, v []byte) []byte {
		return append(binary.AppendUvarint(append(dst, tag), uint64(len(v))), v...)
	}
	id := bytesField([]byte{3}, 1<<3|2, []byte("a nonce of 16 by"))
	id = bytesField(id, 2<<3|2, []byte("0"))
	for _, r := range rights {
		op := bytesField(nil, 1<<3|2, []byte(r[0]))
		id = bytesField(id, 3<<3|2, bytesField(op, 2<<3|2, []byte(r[1])))
	}
	m := bytesField([]byte{2}, 1, []byte("lnd"))
	m = append(bytesField(m, 2, id), 0, 0)
	return bytesField(m, 6, make([]byte, 32))
}

// The rights of lnd's invoice.macaroon and the worst of admin.macaroon.
var (
	invoiceRights = [][2]string{{"address", "read"}, {"address", "write"}, {"invoices", "read"}, {"invoices", "write"}, {"onchain", "read"}}
	adminRights   = append([][2]string{{"offchain", "read"}, {"offchain", "write"}, {"onchain", "write"}, {"macaroon", "generate"}, {"info", "read"}}, invoiceRights...)
)

// LND serves lnd's REST with TLS by a certificate of its own. Secret is an invoice
// macaroon, Full an admin macaroon, both as they are.
func (n *Node) LND(t testing.TB) *Door {
	d := &Door{Secret: string(Macaroon(invoiceRights...)), Full: string(Macaroon(adminRights...))}
	mux := http.NewServeMux()
	may := func(w http.ResponseWriter, r *http.Request, full bool) bool {
		m := r.Header.Get("Grpc-Metadata-Macaroon")
		if m == hex.EncodeToString([]byte(d.Full)) || m == hex.EncodeToString([]byte(d.Secret)) && !full {
			return true
		}
		words := "permission denied"
		if m != hex.EncodeToString([]byte(d.Secret)) {
			words = "verification failed: signature mismatch after caveat verification"
		}
		writeJSON(w, http.StatusInternalServerError, map[string]any{"code": 2, "message": words, "details": []any{}})
		return false
	}
	mux.HandleFunc("GET /v1/getinfo", func(w http.ResponseWriter, r *http.Request) {
		if may(w, r, true) {
			key := n.Payee()
			writeJSON(w, http.StatusOK, map[string]any{"identity_pubkey": hex.EncodeToString(key[:]), "alias": "shop", "version": "0.21.3-beta", "chains": []any{map[string]string{"chain": "bitcoin", "network": "mainnet"}}})
		}
	})
	mux.HandleFunc("GET /v1/invoices", func(w http.ResponseWriter, r *http.Request) {
		if may(w, r, false) {
			writeJSON(w, http.StatusOK, map[string]any{"invoices": []any{}, "last_index_offset": "0"})
		}
	})
	mux.HandleFunc("POST /v1/invoices", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Value  string `json:"value_msat"`
			Expiry string `json:"expiry"`
			Memo   string `json:"memo"`
		}
		if !may(w, r, false) {
			return
		}
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]any{"code": 3, "message": err.Error()})
			return
		}
		msat, _ := strconv.ParseInt(q.Value, 10, 64)
		seconds, _ := strconv.ParseInt(q.Expiry, 10, 64)
		i := n.create(msat, q.Memo, time.Duration(seconds)*time.Second)
		said := n.saidHash(i.Hash)
		writeJSON(w, http.StatusOK, map[string]any{"r_hash": base64.StdEncoding.EncodeToString(said[:]), "payment_request": i.Bolt11, "add_index": "1", "payment_addr": ""})
	})
	mux.HandleFunc("GET /v1/invoice/{hash}", func(w http.ResponseWriter, r *http.Request) {
		h, err := bunker.ParsePaymentHash(r.PathValue("hash"))
		i, ok := n.find(h)
		if !may(w, r, false) {
			return
		}
		if err != nil || !ok {
			writeJSON(w, http.StatusNotFound, map[string]any{"code": 5, "message": "unable to locate invoice"})
			return
		}
		writeJSON(w, http.StatusOK, lndInvoice(&i))
	})
	mux.HandleFunc("GET /v1/invoices/subscribe", func(w http.ResponseWriter, r *http.Request) {
		if !may(w, r, false) {
			return
		}
		news := make(chan bunker.Invoice, 1024)
		defer n.subscribe(func(i bunker.Invoice) {
			select {
			case news <- i:
			default:
			}
		})()
		for {
			select {
			case <-r.Context().Done():
				return
			case i := <-news:
				_ = json.NewEncoder(w).Encode(map[string]any{"result": lndInvoice(&i)})
				w.(http.Flusher).Flush()
			}
		}
	})
	d.URL = n.serve(t, mux, &d.Cert)
	return d
}

// lndInvoice is lnd's JSON: bytes in base64, 64-bit numbers as text.
func lndInvoice(i *bunker.Invoice) map[string]any {
	num := func(v int64) string { return strconv.FormatInt(v, 10) }
	state := map[bunker.InvoiceState]string{bunker.InvoiceOpen: "OPEN", bunker.InvoiceSettled: "SETTLED"}[i.State]
	if state == "" {
		state = "CANCELED" // lnd cancels what expired
	}
	return map[string]any{
		"memo": i.Memo, "r_hash": base64.StdEncoding.EncodeToString(i.Hash[:]), "payment_request": i.Bolt11, "value_msat": num(i.AmountMsat), "amt_paid_msat": num(i.PaidMsat),
		"creation_date": num(i.CreatedAt / 1000), "expiry": num((i.ExpiresAt - i.CreatedAt) / 1000), "settle_date": num(i.SettledAt / 1000), "state": state, "settled": state == "SETTLED",
	}
}
