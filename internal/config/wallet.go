package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"nsecbunker/internal/seal"
	"nsecbunker/internal/wallet"
)

// Wallet is where payments come in; without a kind there is none.
type Wallet struct {
	Kind    string `toml:"kind" comment:"nwc (Nostr Wallet Connect), lnbits, phoenixd or lnd; empty: none."`
	URL     string `toml:"url" comment:"Where its API is, for example \"https://127.0.0.1:8080\"; nwc has none."`
	Secret  string `toml:"secret" comment:"Where its secret is, not the secret: a file that nobody else may read, or \"credential:NAME\" of systemd.\nIn it: the connection string (nwc), the invoice key (lnbits), the limited password (phoenixd), or\ninvoice.macaroon (lnd)."`
	TLSCert string `toml:"tls_cert" comment:"The certificate of its API, for example lnd's tls.cert: it alone is trusted then. Empty: the system's roots."`
	Network string `toml:"network" comment:"mainnet, testnet, signet, regtest or simnet."`
}

// check reports the first value that makes no sense. What only the wallet's own
// package can tell, it tells when the wallet is opened.
func (w *Wallet) check() error {
	if w.Kind == "" {
		if w.URL != "" || w.Secret != "" || w.TLSCert != "" {
			return fmt.Errorf("wallet.kind: is missing; write nwc, lnbits, phoenixd or lnd")
		}
		return nil
	}
	if !slices.Contains(wallet.Kinds(), wallet.Kind(w.Kind)) {
		return fmt.Errorf("wallet.kind: %q is none of nwc, lnbits, phoenixd, lnd", w.Kind)
	}
	if (w.URL == "") != (wallet.Kind(w.Kind) == wallet.NWC) {
		return fmt.Errorf("wallet.url: the address of the wallet's API, and of nwc none: its relays stand in the secret")
	}
	if !filepath.IsAbs(w.Secret) && !strings.HasPrefix(w.Secret, seal.CredentialPrefix) {
		return fmt.Errorf("wallet.secret: the whole path of a file with the secret, or credential:NAME; the secret itself does not belong here")
	}
	if w.TLSCert != "" && !filepath.IsAbs(w.TLSCert) {
		return fmt.Errorf("wallet.tls_cert: must be a whole path")
	}
	if !slices.Contains([]string{"", "mainnet", "testnet", "signet", "regtest", "simnet"}, w.Network) {
		return fmt.Errorf("wallet.network: %q is none of mainnet, testnet, signet, regtest, simnet", w.Network)
	}
	return nil
}
