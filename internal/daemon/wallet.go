package daemon

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/wallet"
)

// maxCertFile is the largest file of a wallet's certificate.
const maxCertFile = 64 << 10

// OpenWallet makes the wallet connection of a configuration, and speaks to nobody.
// Its secret is read from its place, and kept in the arena until Close. Without a
// wallet in the configuration it is CodeNotFound.
func OpenWallet(c config.Config, arena *secret.Arena, now func() time.Time, log *slog.Logger) (*wallet.Wallet, error) {
	if c.Wallet.Kind == "" {
		return nil, bunker.Errorf(bunker.CodeNotFound, "no wallet is configured").
			WithHint("set kind, url and secret under [wallet] in config.toml: nsecbunker config --write")
	}
	nets, hosts, err := c.Exceptions()
	if err != nil {
		return nil, err
	}
	cfg := wallet.Config{Kind: wallet.Kind(c.Wallet.Kind), URL: c.Wallet.URL, Network: c.Wallet.Network, Allow: nets, AllowHosts: hosts, Arena: arena, Now: now, Log: log}
	if c.Wallet.TLSCert != "" {
		if cfg.Cert, err = readCert(c.Wallet.TLSCert); err != nil {
			return nil, err
		}
	}
	if cfg.Secret, err = seal.ReadSecret(c.Wallet.Secret, os.Getenv("CREDENTIALS_DIRECTORY")); err != nil {
		return nil, err
	}
	return wallet.New(cfg)
}

func readCert(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err == nil && st.Size() > maxCertFile {
		err = fmt.Errorf("it is longer than %d bytes", maxCertFile)
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, bunker.Errorf(bunker.CodeInvalid, "the wallet's certificate cannot be read: %s", err).In("tls_cert")
	}
	return b, nil
}
