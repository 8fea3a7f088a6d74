package wallettest

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

// Door is a wallet's API on loopback.
type Door struct {
	URL string
	// Secret is what only receives, Full what could pay.
	Secret, Full string
	// Cert is the TLS certificate as PEM; empty without TLS.
	Cert []byte
}

// misbehave does what the manners say instead of an answer; false: nothing.
func (n *Node) misbehave(w http.ResponseWriter, r *http.Request) bool {
	m, changed := n.behaviour()
	for m.Slow {
		select {
		case <-r.Context().Done():
			return true
		case <-changed:
		}
		m, changed = n.behaviour()
	}
	switch {
	case m.Redirect != "":
		http.Redirect(w, r, m.Redirect, http.StatusFound)
	case m.Status != 0:
		http.Error(w, `{"detail":"not today, \u202e says the wallet"}`, m.Status)
	case m.Garbage:
		_, _ = w.Write([]byte("<html>Welcome to nginx!</html>"))
	case m.Huge:
		line := strings.Repeat("a", 1<<16)
		for range 64 {
			if _, err := w.Write([]byte(line)); err != nil {
				break
			}
		}
	default:
		return false
	}
	return true
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// saidHash is the hash that an answer names.
func (n *Node) saidHash(h bunker.PaymentHash) bunker.PaymentHash {
	if m, _ := n.behaviour(); m.WrongHash {
		h[0] ^= 1
	}
	return h
}

// LNbits serves one wallet of an LNbits server: its own answers of version 1.
func (n *Node) LNbits(t testing.TB) *Door {
	d := &Door{Secret: "0123456789abcdef0123456789abcdef", Full: "fedcba9876543210fedcba9876543210"}
	mux := http.NewServeMux()
	may := func(w http.ResponseWriter, r *http.Request) bool {
		switch r.Header.Get("X-Api-Key") {
		case d.Secret, d.Full:
			return true
		case "":
			writeJSON(w, http.StatusUnauthorized, map[string]string{"detail": "No Api Key provided."})
		default:
			writeJSON(w, http.StatusNotFound, map[string]string{"detail": "Wallet not found."})
		}
		return false
	}
	mux.HandleFunc("GET /api/v1/wallet", func(w http.ResponseWriter, r *http.Request) {
		if !may(w, r) {
			return
		}
		answer := map[string]any{"name": "shop", "balance": 5000}
		if r.Header.Get("X-Api-Key") == d.Full {
			answer["id"] = "b7a2"
		}
		writeJSON(w, http.StatusOK, answer)
	})
	mux.HandleFunc("POST /api/v1/payments", func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Out    *bool
			Amount float64
			Unit   string
			Memo   string
			Expiry int64
		}
		if !may(w, r) {
			return
		}
		// Without out: false LNbits takes it for a payment.
		if json.NewDecoder(r.Body).Decode(&q) != nil || q.Out == nil || *q.Out || q.Unit != "sat" || q.Amount < 1 {
			writeJSON(w, http.StatusBadRequest, map[string]string{"detail": "Bad request"})
			return
		}
		i := n.create(int64(q.Amount)*1000, q.Memo, time.Duration(q.Expiry)*time.Second)
		writeJSON(w, http.StatusCreated, map[string]any{"payment_hash": n.saidHash(i.Hash).String(), "bolt11": i.Bolt11, "payment_request": i.Bolt11, "amount": i.AmountMsat, "status": "pending", "checking_id": i.Hash.String()})
	})
	mux.HandleFunc("GET /api/v1/payments/{hash}", func(w http.ResponseWriter, r *http.Request) {
		h, err := bunker.ParsePaymentHash(r.PathValue("hash"))
		i, ok := n.find(h)
		if err != nil || !ok || !may(w, r) {
			writeJSON(w, http.StatusNotFound, map[string]string{"detail": "Payment does not exist."})
			return
		}
		status := map[bunker.InvoiceState]string{bunker.InvoiceSettled: "success", bunker.InvoiceCancelled: "failed"}[i.State]
		if status == "" {
			status = "pending"
		}
		details := map[string]any{"payment_hash": i.Hash.String(), "amount": i.AmountMsat, "bolt11": i.Bolt11, "memo": i.Memo, "status": status, "fee": 0}
		if i.State == bunker.InvoiceSettled {
			details["amount"], details["updated_at"] = i.PaidMsat, time.UnixMilli(i.SettledAt).UTC().Format(time.RFC3339Nano)
		}
		writeJSON(w, http.StatusOK, map[string]any{"paid": status == "success", "status": status, "preimage": nil, "details": details})
	})
	d.URL = n.serve(t, mux, nil)
	return d
}

// serve runs a handler, with TLS when cert asks for its certificate.
func (n *Node) serve(t testing.TB, h http.Handler, cert *[]byte) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !n.misbehave(w, r) {
			h.ServeHTTP(w, r)
		}
	}))
	if cert == nil {
		srv.Start()
	} else {
		srv.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		srv.StartTLS()
		*cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	}
	t.Cleanup(func() {
		n.Behave(Manners{})
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv.URL
}
