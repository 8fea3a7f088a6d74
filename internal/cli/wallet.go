package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/wallet"
)

const (
	// walletArena holds one wallet's secret.
	walletArena = 1 << 16
	// walletTestAmount and walletTestExpiry are of the invoice that a check makes.
	walletTestAmount = wallet.Satoshi
	walletTestExpiry = 10 * time.Minute
)

func (a *app) walletCmd() *cobra.Command {
	c := &cobra.Command{Use: "wallet", Short: "try the Lightning wallet that a hosted service is paid through"}
	c.AddCommand(a.walletCheckCmd())
	return c
}

func (a *app) walletCheckCmd() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "connect, make an invoice of 1 sat, and say what the connection could do", Args: args(),
		Long: `Connects to the wallet of config.toml, asks what this connection may do, makes an invoice of 1 sat that nobody has to pay, reads it and
looks it up again. A connection that could pay is refused: the bunker only receives, and a thief of the connection would have the money.
Where that cannot be told, it warns.

It needs no running bunker. The wallet's secret is read from the file or credential that config.toml names.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.checkWallet(cmd.Context()) },
	}
}

// walletReport is what a check found.
type walletReport struct {
	Wallet  string `json:"wallet"`
	Name    string `json:"name"`
	Node    string `json:"node"`
	Version string `json:"version"`
	Network string `json:"network"`
	Pays    string `json:"could_pay"`
	Why     string `json:"why"`
	Notices bool   `json:"notices"`
	Hash    string `json:"payment_hash"`
	Invoice string `json:"invoice"`
	Expires stamp  `json:"expires_at"`
}

func (a *app) checkWallet(ctx context.Context) error {
	dir, err := a.dataDir()
	if err != nil {
		return err
	}
	c, err := config.Load(dir)
	if err != nil {
		return fail("%w", err)
	}
	arena, err := secret.NewArena(walletArena, secret.Options{AllowSwap: c.AllowSwap})
	if err != nil {
		return err
	}
	defer arena.Close()
	w, err := daemon.OpenWallet(c, arena, a.now, nil)
	if err != nil {
		return err
	}
	defer w.Close()
	info, err := w.Info(ctx)
	if err != nil {
		return err
	}
	if err := info.Refusal(); err != nil {
		return err
	}
	inv, err := w.Make(ctx, walletTestAmount, "test of the wallet", walletTestExpiry)
	if err != nil {
		return err
	}
	if got, err := w.Lookup(ctx, inv.Hash); err != nil {
		return err
	} else if got.State != bunker.InvoiceOpen {
		return fail("the wallet says that an invoice which was just made is %s", got.State)
	}
	return a.walletFound(w.String(), info, inv)
}

func (a *app) walletFound(where string, info wallet.Info, inv bunker.Invoice) error {
	r := walletReport{
		Wallet: where, Name: info.Name, Node: info.Node, Version: info.Version, Network: info.Network, Pays: string(info.Paying), Why: info.Why,
		Notices: info.Notices, Hash: inv.Hash.String(), Invoice: inv.Bolt11, Expires: stamp{time.UnixMilli(inv.ExpiresAt).UTC()},
	}
	if info.Paying == wallet.MayPay {
		a.say("warning: it cannot be told whether this connection could pay (%s). Take one that can only receive.", shown(info.Why, 300))
	}
	if a.asJSON {
		return a.json(r)
	}
	told := "by itself, and it is asked again and again"
	if !r.Notices {
		told = "when it is asked, again and again"
	}
	rows := [][2]string{{"wallet", shown(r.Wallet, 200)}}
	for _, f := range [][2]string{{"name", r.Name}, {"version", r.Version}, {"node", r.Node}, {"network", r.Network}} {
		if f[1] != "" {
			rows = append(rows, [2]string{f[0], shown(f[1], 200)})
		}
	}
	rows = append(rows, [2]string{"could pay", fmt.Sprintf("%s: %s", r.Pays, shown(r.Why, 300))}, [2]string{"tells of payments", told},
		[2]string{"test invoice", r.Invoice})
	if err := a.facts(rows); err != nil {
		return err
	}
	a.say("The invoice of 1 sat was made, read and looked up. Nobody has to pay it.")
	return nil
}
