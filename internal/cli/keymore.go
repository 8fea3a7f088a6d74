package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"nsecbunker/internal/secret"
)

func (a *app) keyExportCmd() *cobra.Command {
	var breakGlass bool
	return glassFlag(a.proofFlag(&cobra.Command{
		Use: "export KEY", Short: "export a key as ncryptsec, closed with a password (NIP-49)", ValidArgsFunction: a.completeKeys,
		Long: "Exports a key as ncryptsec (NIP-49), closed with a password that is asked for twice, or is the first line of stdin. Nothing else ever leaves the bunker.",
		Args: args("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.keyExport(cmd.Context(), args[0], breakGlass) },
	}), &breakGlass)
}

func (a *app) keyExport(ctx context.Context, key string, breakGlass bool) error {
	p := struct {
		Key        string       `json:"key"`
		Password   secret.Param `json:"password"`
		Passphrase secret.Param `json:"passphrase,omitempty"`
		BreakGlass bool         `json:"break_glass,omitempty"`
	}{Key: key, BreakGlass: breakGlass}
	defer func() { p.Password.Wipe(); p.Passphrase.Wipe() }()
	var err error
	if p.Password, err = a.newPassphrase(ctx, "Password that closes the export"); err != nil {
		return err
	}
	type exported struct {
		Name      string `json:"name"`
		Ncryptsec string `json:"ncryptsec"`
	}
	return showWithKeyPassphrase(ctx, a, "key.export", &p, &p.Passphrase, func(r exported) error {
		a.say("%s, closed with the password; without it nobody opens this, not even we:", name(r.Name))
		return a.line(r.Ncryptsec)
	})
}

func (a *app) keySetCmd() *cobra.Command {
	var npub, def string
	var noExport bool
	cmd := &cobra.Command{
		Use: "set KEY", Short: "change how a key answers", Args: args("KEY"), ValidArgsFunction: a.completeKeys,
		Long: `Changes how a key answers.

  --npub-login on|off   old apps may log in with the bare npub (weaker than bunker:// links)
  --default ask|deny    what happens to what no permission covers
  --no-export           the key can never leave the bunker, for ever`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if npub == "" && def == "" && !noExport {
				return usageOf(cmd, "nothing is to be changed")
			}
			if npub != "" || def != "" {
				if err := a.keySet(cmd.Context(), args[0], npub, def); err != nil {
					return err
				}
			}
			if !noExport {
				return nil
			}
			return a.keyNoExport(cmd.Context(), args[0])
		},
	}
	cmd.Flags().StringVar(&npub, "npub-login", "", "on or off")
	cmd.Flags().StringVar(&def, "default", "", "ask or deny")
	cmd.Flags().BoolVar(&noExport, "no-export", false, "forbid exports, for ever")
	return a.proofFlag(a.yesFlag(cmd))
}

func (a *app) keySet(ctx context.Context, key, npub, def string) error {
	p := map[string]any{"key": key}
	switch npub {
	case "":
	case "on", "off":
		p["npub_login"] = npub == "on"
	default:
		return usage("--npub-login is on or off")
	}
	if def != "" {
		p["default"] = def
	}
	return a.keyDone(ctx, "key.set", p, func(k *keyView) string { return fmt.Sprintf("%s: %s.", name(k.Name), k.describe()) })
}

// describe says how a key answers.
func (k *keyView) describe() string {
	login := "login by bunker:// links only"
	if k.NpubLogin {
		login = "login by npub is on"
	}
	return fmt.Sprintf("%s; what no permission covers: %s", login, shown(k.Default, 10))
}

func (a *app) keyNoExport(ctx context.Context, key string) error {
	what := fmt.Sprintf("The key %s can then never be exported, by anybody, for ever. Backups of the whole bunker still hold it.", shown(key, bunkerName))
	if err := a.confirm(ctx, what, key); err != nil {
		return err
	}
	p := keyPassphraseParam{Key: key}
	defer func() { p.Passphrase.Wipe() }()
	return showWithKeyPassphrase(ctx, a, "key.no_export", &p, &p.Passphrase, func(r keyAnswer) error {
		a.say("%s can never be exported.", name(r.Key.Name))
		return nil
	})
}

func (a *app) keyPassphraseCmd() *cobra.Command {
	var remove bool
	cmd := &cobra.Command{
		Use: "passphrase KEY [--remove]", Short: "give a key a second passphrase of its own, or take it away", Args: args("KEY"),
		ValidArgsFunction: a.completeKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			if remove {
				return a.keyPassphraseRemove(cmd.Context(), args[0])
			}
			return a.keyPassphraseSet(cmd.Context(), args[0])
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "take the key's own passphrase away")
	return a.proofFlag(cmd)
}

func (a *app) keyPassphraseSet(ctx context.Context, key string) (err error) {
	p := struct {
		Key        string       `json:"key"`
		New        secret.Param `json:"new"`
		Passphrase secret.Param `json:"passphrase,omitempty"`
	}{Key: key}
	defer func() { p.New.Wipe(); p.Passphrase.Wipe() }()
	if p.New, err = a.newPassphrase(ctx, "New passphrase of the key "+shown(key, bunkerName)); err != nil {
		return err
	}
	return showWithKeyPassphrase(ctx, a, "key.passphrase.set", &p, &p.Passphrase, func(r keyAnswer) error {
		a.say("%s has a passphrase of its own: after each start it needs `nsecbunker key unlock %s`.", name(r.Key.Name), name(r.Key.Name))
		return nil
	})
}

func (a *app) keyPassphraseRemove(ctx context.Context, key string) error {
	p := keyPassphraseParam{Key: key}
	defer func() { p.Passphrase.Wipe() }()
	return showWithKeyPassphrase(ctx, a, "key.passphrase.remove", &p, &p.Passphrase, func(r keyAnswer) error {
		a.say("%s has no passphrase of its own any more; the bunker's opens it.", name(r.Key.Name))
		return nil
	})
}
