package bolt11

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
)

// lines reads invoices of BOLT 11's examples, each behind its description.
func lines(t testing.TB, file string) map[string]string {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]string{}
	name := ""
	for s := bufio.NewScanner(f); s.Scan(); {
		if text, ok := strings.CutPrefix(s.Text(), "# "); ok {
			name = text
			continue
		}
		out[name] = s.Text()
	}
	return out
}

const (
	usual = "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad"
	highS = "02d0139ce7427d6dfffd26a326c18be754ef1e64672b42694ba5b23ef6e6e7803d"
	hash  = "0001020304050607080900010203040506070809000102030405060708090102"
)

func TestExamplesOfBOLT11AreRead(t *testing.T) {
	amounts := map[string]int64{
		"Please make a donation": 0, "Please send $3 ": 250_000_000, "Please send 0.0025": 250_000_000, "Now send $24": 2_000_000_000,
		"The same, on testnet": 2_000_000_000, "On mainnet": 2_000_000_000, "Please send 0.00967878534": 967_878_534,
		"Please send $30": 2_500_000_000, "Same,": 2_500_000_000, "Please send 0.01": 1_000_000_000, "Public-key recovery with high-S": 0,
	}
	all := lines(t, "valid.txt")
	if len(all) != 16 {
		t.Fatalf("%d examples", len(all))
	}
	for name, text := range all {
		payee := usual
		inv, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		found := false
		for begin, msat := range amounts {
			if strings.HasPrefix(name, begin) {
				found = true
				if inv.AmountMsat != msat {
					t.Errorf("%s: %d msat, not %d", name, inv.AmountMsat, msat)
				}
			}
		}
		if !found {
			t.Errorf("%s has no amount in this test", name)
		}
		if strings.HasPrefix(name, "Please send 0.00967878534") {
			if inv.ExpiresAt-inv.CreatedAt != 604800 {
				t.Errorf("%s: expires after %d s", name, inv.ExpiresAt-inv.CreatedAt)
			}
			continue // another hash, and time
		}
		if strings.HasPrefix(name, "Public-key recovery with high-S") {
			payee = highS
		}
		if hex.EncodeToString(inv.Hash[:]) != hash || hex.EncodeToString(inv.Payee[:]) != payee || inv.CreatedAt != 1496314658 {
			t.Errorf("%s: read as %+v", name, inv)
		}
		want := "bc"
		if strings.Contains(name, "testnet") {
			want = "tb"
		}
		if inv.Network != want {
			t.Errorf("%s: network %q", name, inv.Network)
		}
	}
	inv, err := Parse(all["Please send $3 for a cup of coffee to the same peer, within one minute"])
	if err != nil || inv.Description != "1 cup coffee" || inv.ExpiresAt-inv.CreatedAt != 60 {
		t.Errorf("a cup of coffee: %+v %v", inv, err)
	}
}

func TestWrongExamplesOfBOLT11AreRefused(t *testing.T) {
	all := lines(t, "invalid.txt")
	if len(all) != 9 {
		t.Fatalf("%d examples", len(all))
	}
	for name, text := range all {
		if inv, err := Parse(text); err == nil {
			t.Errorf("%s: read as %+v", name, inv)
		}
	}
	if _, err := Parse(all["Signature is not recoverable."]); !errors.Is(err, ErrSignature) {
		t.Errorf("a signature that is none: %v", err)
	}
	if _, err := Parse(all["Invalid sub-millisatoshi precision."]); !errors.Is(err, ErrAmount) {
		t.Errorf("a part of a millisatoshi: %v", err)
	}
}

func TestAmountsThatOverflowOrBeginWithZeroAreRefused(t *testing.T) {
	for _, s := range []string{"0", "01u", "m", "99999999999", "92233720369m", "9223372036854775808n", "99999999999999999999p", "15p", "1x", "1mm"} {
		if v, err := parseAmount(s); err == nil {
			t.Errorf("%q was read as %d msat", s, v)
		}
	}
	for s, want := range map[string]int64{"1": 1e11, "20m": 2e9, "2500u": 25e7, "1n": 100, "10p": 1, "92233720m": 9223372000000000} {
		if v, err := parseAmount(s); err != nil || v != want {
			t.Errorf("%q was read as %d: %v", s, v, err)
		}
	}
}

func FuzzInvoice(f *testing.F) {
	for _, file := range []string{"valid.txt", "invalid.txt"} {
		for _, text := range lines(f, file) {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		inv, err := Parse(text)
		if err != nil {
			if len(text) > 20 && strings.Contains(err.Error(), text) {
				t.Error("the error repeats the invoice")
			}
			return
		}
		if inv.AmountMsat < 0 || inv.ExpiresAt < inv.CreatedAt || inv.CreatedAt < 0 || !utf8.ValidString(inv.Description) || inv.Payee == [33]byte{} {
			t.Errorf("%q was read as %+v", text, inv)
		}
	})
}

// FuzzInvoiceFields reaches what a checksum and a signature would keep a fuzzer from.
func FuzzInvoiceFields(f *testing.F) {
	f.Add("lnbc2500u", []byte{1, 1, 20})
	f.Add("lntb", []byte{6, 0, 1, 3, 13, 0, 0})
	f.Fuzz(func(t *testing.T, hrp string, data []byte) {
		if network, msat, err := parsePrefix(hrp); err == nil && (network == "" || msat < 0) {
			t.Errorf("%q was read as %q and %d", hrp, network, msat)
		}
		for i := range data {
			data[i] &= 31
		}
		inv := &Invoice{}
		r := fields{inv: inv}
		if err := r.read(data); err == nil && (!r.seen[fieldHash] || !r.seen[fieldSecret] || r.expiry < 0) {
			t.Errorf("%v was read as %+v", data, inv)
		}
	})
}

// TestSignerIsTheOneThatBtcecFinds holds the recovery against another hand's.
func TestSignerIsTheOneThatBtcecFinds(t *testing.T) {
	for i := range 200 {
		key, err := btcec.NewPrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256([]byte{byte(i)})
		compact := ecdsa.SignCompact(key, digest[:], true)
		sig, recovery := [64]byte(compact[1:]), compact[0]-31
		want := [33]byte(key.PubKey().SerializeCompressed())
		for _, named := range []*[33]byte{nil, &want} {
			if got, err := signer(digest, sig, recovery, named); err != nil || got != want {
				t.Fatalf("%x signed, %x was found: %v", want, got, err)
			}
		}
		other := want
		other[0] ^= 1 // the point on the other side
		if _, err := signer(digest, sig, recovery, &other); !errors.Is(err, ErrSignature) {
			t.Fatal("a signature of another key was taken")
		}
		sig[i%64] ^= 1
		if _, err := signer(digest, sig, recovery, &want); !errors.Is(err, ErrSignature) {
			t.Fatal("a changed signature was taken")
		}
	}
}
