package wallet_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/wallet"
	"nsecbunker/internal/wallet/wallettest"
)

// otherCert is a certificate that no server here has.
func otherCert(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestSettingsThatMakeNoSenseAreRefusedByName(t *testing.T) {
	macaroon := string(wallettest.Macaroon([2]string{"invoices", "read"}))
	for name, c := range map[string]struct {
		cfg   wallet.Config
		field string
	}{
		"no kind":             {wallet.Config{}, "kind"},
		"unknown kind":        {wallet.Config{Kind: "cash"}, "kind"},
		"no url":              {wallet.Config{Kind: wallet.LND}, "url"},
		"another scheme":      {wallet.Config{Kind: wallet.LND, URL: "ftp://127.0.0.1"}, "url"},
		"secret in the url":   {wallet.Config{Kind: wallet.LNbits, URL: "https://key@example.com"}, "url"},
		"query in the url":    {wallet.Config{Kind: wallet.LNbits, URL: "https://example.com/?key=1"}, "url"},
		"no TLS over the net": {wallet.Config{Kind: wallet.LNbits, URL: "http://lnbits.example.com", Secret: []byte("x")}, "url"},
		"no secret":           {wallet.Config{Kind: wallet.LNbits, URL: "https://example.com", Secret: []byte(" \n")}, "secret"},
		"two lines":           {wallet.Config{Kind: wallet.Phoenixd, URL: "http://phoenixd:9740", Secret: []byte("one\ntwo")}, "secret"},
		"long":                {wallet.Config{Kind: wallet.Phoenixd, URL: "http://phoenixd:9740", Secret: make([]byte, 9000)}, "secret"},
		"no macaroon":         {wallet.Config{Kind: wallet.LND, URL: "https://127.0.0.1:8080", Secret: []byte("hello")}, "secret"},
		"cut macaroon":        {wallet.Config{Kind: wallet.LND, URL: "https://127.0.0.1:8080", Secret: []byte(macaroon[:20])}, "secret"},
		"no certificate":      {wallet.Config{Kind: wallet.LND, URL: "https://127.0.0.1:8080", Secret: []byte(macaroon), Cert: []byte("x")}, "tls_cert"},
		"a key for one":       {wallet.Config{Kind: wallet.LND, URL: "https://127.0.0.1:8080", Secret: []byte(macaroon), Cert: pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY"})}, "tls_cert"},
		"unknown network":     {wallet.Config{Kind: wallet.LND, URL: "https://127.0.0.1:8080", Secret: []byte(macaroon), Network: "bitcoin"}, "network"},
		"nwc with a url":      {wallet.Config{Kind: wallet.NWC, URL: "https://example.com", Secret: []byte("x")}, "url"},
		"nwc without a link":  {wallet.Config{Kind: wallet.NWC, Secret: []byte("nostr+walletconnect://x")}, "secret"},
		"too patient":         {wallet.Config{Kind: wallet.LNbits, URL: "https://example.com", Secret: []byte("x"), Timeout: time.Hour}, "timeout"},
	} {
		c.cfg.Arena, c.cfg.Now = arena(t), time.Now
		w, err := wallet.New(c.cfg)
		if err == nil {
			w.Close()
		}
		if err == nil || bunker.AsError(err).Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAMacaroonIsTakenAsItIsOrInHexAndJudgedByItsRights(t *testing.T) {
	for name, c := range map[string]struct {
		rights [][2]string
		want   wallet.Paying
	}{
		"invoices":               {[][2]string{{"invoices", "read"}, {"invoices", "write"}, {"address", "write"}, {"onchain", "read"}}, wallet.CannotPay},
		"one method":             {[][2]string{{"uri", "/lnrpc.Lightning/AddInvoice"}}, wallet.CannotPay},
		"a method that pays":     {[][2]string{{"uri", "/lnrpc.Lightning/SendPaymentSync"}}, wallet.CanPay},
		"payments":               {[][2]string{{"offchain", "write"}}, wallet.CanPay},
		"coins":                  {[][2]string{{"invoices", "write"}, {"onchain", "write"}}, wallet.CanPay},
		"makes other macaroons":  {[][2]string{{"macaroon", "generate"}}, wallet.CanPay},
		"signs with node's keys": {[][2]string{{"signer", "generate"}}, wallet.CanPay},
		"what is not known":      {[][2]string{{"quantum", "write"}}, wallet.CanPay},
		"reads all":              {[][2]string{{"offchain", "read"}, {"info", "read"}, {"peers", "read"}}, wallet.CannotPay},
	} {
		for _, inHex := range []bool{false, true} {
			clk := &clock{}
			n := wallettest.New(clk.now)
			d := n.LND(t)
			d.Secret = string(wallettest.Macaroon(c.rights...))
			text := d.Secret
			if inHex {
				text = hex.EncodeToString([]byte(text)) + "\n"
			}
			w := connect(t, wallet.Config{Kind: wallet.LND, URL: d.URL, Cert: d.Cert, Secret: []byte(text)}, clk)
			info, err := w.Info(t.Context())
			if err != nil || info.Paying != c.want || (c.want == wallet.CanPay) != strings.Contains(info.Why, "has the rights") {
				t.Errorf("%s (hex: %v): %+v %v", name, inHex, info, err)
			}
		}
	}
}
