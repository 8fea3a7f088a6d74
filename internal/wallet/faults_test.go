package wallet_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/wallet"
	"nsecbunker/internal/wallet/wallettest"
)

func TestASlowWalletIsToldOfInWordsAndRecoversByItself(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			c := &clock{}
			n := wallettest.New(c.now)
			cfg := k.config(t, n, false)
			cfg.Timeout = 2 * time.Second
			w := connect(t, cfg, c)
			inv := make21(t, w)
			v := watch(t, w)
			n.Behave(wallettest.Manners{Slow: true})
			short, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := w.Lookup(short, inv.Hash)
			if e := bunker.AsError(err); !errors.Is(err, wallet.ErrUnavailable) || !strings.Contains(e.Words, "did not answer within 2s") || e.Hint == "" {
				t.Errorf("Lookup: %v", err)
			}
			v.waitFor(inv.Hash)
			n.Settle(inv.Hash)
			n.Behave(wallettest.Manners{})
			if got := v.of(t, inv.Hash); got.State != bunker.InvoiceSettled {
				t.Errorf("told %+v", got)
			}
			if h := w.Health(); h.Failure == "" {
				t.Errorf("health forgot the failure: %+v", h)
			}
		})
	}
}

func TestWrongAnswersAreToldInWords(t *testing.T) {
	type bad struct {
		manners wallettest.Manners
		http    bool // there is no such thing over NIP-47
		want    error
		words   string
	}
	all := map[string]bad{
		"garbage":      {wallettest.Manners{Garbage: true}, false, wallet.ErrWrong, ""},
		"huge":         {wallettest.Manners{Huge: true}, true, wallet.ErrWrong, "larger than allowed"},
		"a redirect":   {wallettest.Manners{Redirect: "http://127.0.0.1:1/"}, true, nil, "redirect"},
		"500":          {wallettest.Manners{Status: http.StatusInternalServerError}, false, wallet.ErrUnavailable, "not today"},
		"another sum":  {wallettest.Manners{WrongAmount: true}, false, wallet.ErrWrong, "over 21001000 msat, not over 21000000"},
		"another hash": {wallettest.Manners{WrongHash: true}, false, wallet.ErrWrong, "another payment hash"},
		"signature":    {wallettest.Manners{BadInvoice: true}, false, wallet.ErrWrong, "signature is wrong"},
		"last week":    {wallettest.Manners{Expired: true}, false, wallet.ErrWrong, "expires at once"},
	}
	for _, k := range kinds() {
		for name, b := range all {
			if b.http && strings.HasPrefix(k.name, "nwc") {
				continue
			}
			t.Run(k.name+"/"+name, func(t *testing.T) {
				c := &clock{}
				n := wallettest.New(c.now)
				cfg := k.config(t, n, false)
				planted := string(cfg.Secret)
				w := connect(t, cfg, c)
				if _, err := w.Info(t.Context()); err != nil {
					t.Fatal(err)
				}
				n.Behave(b.manners)
				inv, err := w.Make(t.Context(), 21_000_000, "tea", time.Hour)
				e := bunker.AsError(err)
				if err == nil || b.want != nil && !errors.Is(err, b.want) || !strings.Contains(e.Words, b.words) || e.Hint == "" || e.Code == "" {
					t.Errorf("made %+v: %v (hint %q)", inv, err, e.Hint)
				}
				if strings.Contains(err.Error()+e.Hint, planted) || strings.ContainsRune(e.Words, '\u202e') {
					t.Errorf("the error holds the secret, or turns the line: %v", err)
				}
			})
		}
	}
}

func TestALookUpThatIsAnsweredWithAnotherInvoiceIsRefused(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			c := &clock{}
			n := wallettest.New(c.now)
			w := connect(t, k.config(t, n, false), c)
			asked, paid := make21(t, w), make21(t, w)
			n.Settle(paid.Hash)
			n.Behave(wallettest.Manners{WrongHash: true})
			if got, err := w.Lookup(t.Context(), asked.Hash); !errors.Is(err, wallet.ErrWrong) {
				t.Errorf("looked up %+v: %v", got, err)
			}
		})
	}
}

func TestInvoicesOfAnotherNetworkAreRefused(t *testing.T) {
	c := &clock{}
	n := wallettest.New(c.now)
	cfg := door(wallet.LND, n.LND(t), false)
	cfg.Network = "regtest"
	_, err := connect(t, cfg, c).Make(t.Context(), 21_000, "tea", time.Hour)
	if !errors.Is(err, wallet.ErrWrong) || !strings.Contains(bunker.AsError(err).Words, "another network") {
		t.Errorf("%v", err)
	}
}

func TestAnotherCertificateThanThePinnedOneIsRefused(t *testing.T) {
	c := &clock{}
	cfg := door(wallet.LND, wallettest.New(c.now).LND(t), false)
	cfg.Cert = otherCert(t)
	w := connect(t, cfg, c)
	_, err := w.Info(t.Context())
	if !errors.Is(err, wallet.ErrWrong) || !strings.Contains(bunker.AsError(err).Words, "another TLS certificate") {
		t.Errorf("%v", err)
	}
	cfg = door(wallet.LND, wallettest.New(c.now).LND(t), false)
	cfg.Cert = nil // the system's roots do not know it
	if _, err := connect(t, cfg, c).Info(t.Context()); err == nil {
		t.Error("a certificate that nobody knows was taken")
	}
}

func TestSecretsArePrintedNowhereAndWiped(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			c := &clock{}
			cfg := k.config(t, wallettest.New(c.now), false)
			planted := string(cfg.Secret)
			w := connect(t, cfg, c)
			for _, b := range cfg.Secret {
				if b != 0 {
					t.Fatal("New did not wipe the secret that it was given")
				}
			}
			if text := fmt.Sprintf("%v %+v %#v %s", w, w, w, w); strings.Contains(text, planted) || strings.Contains(text, fmt.Sprintf("%x", planted)) {
				t.Error("the secret is printed")
			}
		})
	}
}

func TestOrdersOutOfBoundsReachNoWallet(t *testing.T) {
	c := &clock{}
	n := wallettest.New(c.now)
	w := connect(t, door(wallet.LNbits, n.LNbits(t), false), c)
	for field, order := range map[string]struct {
		msat   int64
		memo   string
		expiry time.Duration
	}{
		"amount":   {999, "", time.Hour},
		"amount ":  {1500, "", time.Hour},
		"amount  ": {wallet.MaxAmountMsat + 1000, "", time.Hour},
		"amount 0": {-21000, "", time.Hour},
		"memo":     {21000, strings.Repeat("x", wallet.MaxMemo+1), time.Hour},
		"memo ":    {21000, "two\nlines", time.Hour},
		"memo  ":   {21000, "\xff", time.Hour},
		"expiry":   {21000, "", time.Second},
		"expiry ":  {21000, "", wallet.MaxExpiry + time.Second},
	} {
		_, err := w.Make(t.Context(), order.msat, order.memo, order.expiry)
		if got := bunker.AsError(err).Field; err == nil || got != strings.TrimRight(field, " 0") {
			t.Errorf("%q: %v (field %q)", field, err, got)
		}
	}
	if n.Asked() != 0 {
		t.Error("the wallet was asked")
	}
}
