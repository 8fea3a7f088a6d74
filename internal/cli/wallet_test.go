package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/wallet/bolt11"
	"nsecbunker/internal/wallet/wallettest"
)

// walletFolder is a data folder whose config.toml names a wallet.
func walletFolder(t *testing.T, kind string, d *wallettest.Door, secret string, mode os.FileMode) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, b []byte, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	text := fmt.Sprintf("allow_swap = true\n[wallet]\nkind = %q\nurl = %q\nsecret = %q\n", kind, d.URL, write("wallet.secret", []byte(secret), mode))
	if d.Cert != nil {
		text += fmt.Sprintf("tls_cert = %q\n", write("tls.cert", d.Cert, 0o644))
	}
	write("config.toml", []byte(text), 0o600)
	return dir
}

func runIn(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(context.Background(), Config{
		Args: args, Streams: Streams{In: strings.NewReader(""), Out: &out, Err: &errs}, Version: "test",
		Getenv: func(name string) string { return map[string]string{"NSECBUNKER_DATA": dir}[name] },
	})
	return code, out.String(), errs.String()
}

func TestWalletCheckReadsATestInvoiceAndRefusesWhatCouldPay(t *testing.T) {
	for kind, serve := range map[string]func(*wallettest.Node, testing.TB) *wallettest.Door{
		"lnbits": (*wallettest.Node).LNbits, "phoenixd": (*wallettest.Node).Phoenixd, "lnd": (*wallettest.Node).LND,
	} {
		t.Run(kind, func(t *testing.T) {
			n := wallettest.New(time.Now)
			d := serve(n, t)
			code, out, errs := runIn(t, walletFolder(t, kind, d, d.Secret, 0o600), "wallet", "check", "--json")
			var r walletReport
			if code != 0 || json.Unmarshal([]byte(out), &r) != nil {
				t.Fatalf("%d: %s%s", code, out, errs)
			}
			if inv, err := bolt11.Parse(r.Invoice); err != nil || inv.AmountMsat != 1000 || r.Pays != "no" || r.Hash == "" {
				t.Errorf("%+v: %v", r, err)
			}
			code, out, errs = runIn(t, walletFolder(t, kind, d, d.Secret, 0o600), "wallet", "check")
			if code != 0 || !strings.Contains(out, "could pay:") || strings.Contains(out+errs, d.Secret) {
				t.Errorf("%d: %s%s", code, out, errs)
			}
			made := len(n.Invoices())
			code, out, errs = runIn(t, walletFolder(t, kind, d, d.Full, 0o600), "wallet", "check")
			if code != 1 || !strings.Contains(errs, "could pay") || !strings.Contains(errs, "hint: use ") || len(n.Invoices()) != made {
				t.Errorf("what could pay: %d: %s%s", code, out, errs)
			}
			code, _, errs = runIn(t, walletFolder(t, kind, d, d.Secret, 0o644), "wallet", "check")
			if code != 1 || !strings.Contains(errs, "chmod 600") {
				t.Errorf("a secret that everybody may read: %d: %s", code, errs)
			}
			n.Behave(wallettest.Manners{WrongAmount: true})
			code, _, errs = runIn(t, walletFolder(t, kind, d, d.Secret, 0o600), "wallet", "check")
			if code != 1 || !strings.Contains(errs, "not over 1000") {
				t.Errorf("a wrong invoice: %d: %s", code, errs)
			}
		})
	}
	code, _, errs := runIn(t, t.TempDir(), "wallet", "check")
	if code != 1 || !strings.Contains(errs, "no wallet is configured") || !strings.Contains(errs, "hint: set kind") {
		t.Errorf("without a wallet: %d: %s", code, errs)
	}
}
