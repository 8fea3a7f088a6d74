package wallettest

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"nsecbunker/internal/bunker"
)

// Phoenixd serves phoenixd's API, its websocket of payments too.
func (n *Node) Phoenixd(t testing.TB) *Door {
	d := &Door{Secret: "limited-5f8f1c", Full: "full-90ab12"}
	mux := http.NewServeMux()
	may := func(w http.ResponseWriter, r *http.Request, full bool) bool {
		_, password, _ := r.BasicAuth()
		if password == d.Full || password == d.Secret && !full {
			return true
		}
		http.Error(w, "Invalid authentication (use basic auth with the http password set in phoenix.conf)", http.StatusUnauthorized)
		return false
	}
	mux.HandleFunc("GET /getinfo", func(w http.ResponseWriter, r *http.Request) {
		if may(w, r, false) {
			writeJSON(w, http.StatusOK, map[string]any{"nodeId": fmt.Sprintf("%x", n.Payee()), "chain": "mainnet", "version": "0.7.0", "blockHeight": 1, "channels": []any{}})
		}
	})
	mux.HandleFunc("POST /payinvoice", func(w http.ResponseWriter, r *http.Request) {
		if may(w, r, true) { // judged before the form is read
			http.Error(w, "Request parameter invoice is missing", http.StatusBadRequest)
		}
	})
	mux.HandleFunc("POST /createinvoice", func(w http.ResponseWriter, r *http.Request) {
		if !may(w, r, false) {
			return
		}
		amount, err := strconv.ParseInt(r.PostFormValue("amountSat"), 10, 64)
		seconds, e := strconv.ParseInt(r.PostFormValue("expirySeconds"), 10, 64)
		if err != nil || e != nil || !r.PostForm.Has("description") || len(r.PostFormValue("description")) > 128 {
			http.Error(w, "Must provide either a description or descriptionHash", http.StatusBadRequest)
			return
		}
		i := n.create(amount*1000, r.PostFormValue("description"), time.Duration(seconds)*time.Second)
		writeJSON(w, http.StatusOK, map[string]any{"amountSat": i.AmountMsat / 1000, "paymentHash": n.saidHash(i.Hash).String(), "serialized": i.Bolt11})
	})
	mux.HandleFunc("GET /payments/incoming/{hash}", func(w http.ResponseWriter, r *http.Request) {
		h, err := bunker.ParsePaymentHash(r.PathValue("hash"))
		i, ok := n.find(h)
		if !may(w, r, false) {
			return
		}
		if err != nil || !ok {
			http.Error(w, "Not found", http.StatusNotFound)
			return
		}
		answer := map[string]any{
			"type": "incoming_payment", "subType": "lightning", "paymentHash": i.Hash.String(), "description": i.Memo, "invoice": i.Bolt11, "isPaid": i.State == bunker.InvoiceSettled,
			"isExpired": i.State == bunker.InvoiceExpired, "requestedSat": i.AmountMsat / 1000, "receivedSat": 0, "fees": 0, "expiresAt": i.ExpiresAt, "createdAt": i.CreatedAt,
		}
		if i.State == bunker.InvoiceSettled {
			// A fee for liquidity that is no whole satoshi, as there are.
			const fee = 1500
			answer["receivedSat"], answer["fees"], answer["completedAt"] = (i.PaidMsat-fee)/1000, fee, i.SettledAt
		}
		writeJSON(w, http.StatusOK, answer)
	})
	mux.HandleFunc("GET /websocket", func(w http.ResponseWriter, r *http.Request) {
		if !may(w, r, false) {
			return
		}
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = ws.CloseNow() }()
		news := make(chan bunker.Invoice, 1024)
		defer n.subscribe(func(i bunker.Invoice) {
			select {
			case news <- i:
			default:
			}
		})()
		ctx := ws.CloseRead(r.Context())
		for {
			select {
			case <-ctx.Done():
				return
			case i := <-news:
				err := wsjson.Write(ctx, ws, map[string]any{"type": "payment_received", "amountSat": i.PaidMsat / 1000, "paymentHash": i.Hash.String(), "timestamp": i.SettledAt})
				if err != nil {
					return
				}
			}
		}
	})
	d.URL = n.serve(t, mux, nil)
	return d
}
