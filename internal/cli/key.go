package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"nsecbunker/internal/secret"
)

// keyView is a key as the bunker shows it.
type keyView struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	Npub          string `json:"npub"`
	State         string `json:"state"`
	Locked        bool   `json:"locked"`
	Unlocked      bool   `json:"unlocked"`
	NoExport      bool   `json:"no_export"`
	OwnPassphrase bool   `json:"own_passphrase"`
	NpubLogin     bool   `json:"npub_login"`
	AdminHere     bool   `json:"admin_here"`
	Default       string `json:"default"`
	Guard         string `json:"guard"`
	Baseline      string `json:"baseline"`
	DeleteAt      stamp  `json:"delete_at"`
	CreatedAt     stamp  `json:"created_at"`
	Paused        bool   `json:"paused"`
	PausedUntil   stamp  `json:"paused_until"`
	Connections   int    `json:"connections"`
	Uses          int64  `json:"uses"`
	LastUsed      stamp  `json:"last_used"`
}

type keyAnswer struct {
	Key      keyView       `json:"key"`
	Baseline *baselineView `json:"baseline"`
}

func (a *app) keyCmd() *cobra.Command {
	c := &cobra.Command{Use: "key", Short: "add, list, lock, export and delete keys"}
	c.AddCommand(
		a.keyAddCmd(), a.keyListCmd(), a.keyShowCmd(), a.keyRenameCmd(), a.keyLockCmd(), a.keyUnlockCmd(), a.keyExportCmd(),
		a.keyPauseCmd(), a.keyResumeCmd(), a.keyDeleteCmd(), a.keyRestoreCmd(), a.keySetCmd(), a.keyPassphraseCmd(),
		a.keyVersionsCmd(), a.keyVersionCmd(), a.keyGuardCmd(), a.keyBaselineCmd(), a.keyProfileCmd(), a.keyPicturesCmd(), a.keyRelaysCmd(),
	)
	return c
}

// state is how a key does, in a word or two.
func (k *keyView) state(a *app) string {
	switch {
	case k.State == "deleting":
		return "deleted " + a.when(k.DeleteAt)
	case k.Locked:
		return "locked"
	case k.Paused && k.PausedUntil.ms() != 0:
		return "paused, goes on " + a.when(k.PausedUntil)
	case k.Paused:
		return "paused"
	case k.Unlocked:
		return "ready"
	}
	return "waits for unlock"
}

func (k *keyView) flags() string {
	return marks(map[string]bool{
		"no export": k.NoExport, "own passphrase": k.OwnPassphrase, "npub login": k.NpubLogin, "admin here": k.AdminHere,
		"denies by default": k.Default == "deny", "not guarded": k.Guard == "off", "lists not known": k.Baseline == "unknown",
	}, "no export", "own passphrase", "npub login", "admin here", "denies by default", "not guarded", "lists not known")
}

func (a *app) keyListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the keys", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), a, "key.list", "keys", nil, []string{"NAME", "NPUB", "STATE", "APPS", "LAST USED", "NOTES"},
				"There are no keys yet. Make one: nsecbunker key add NAME",
				func(k keyView) []string {
					return []string{name(k.Name), k.Npub, k.state(a), fmt.Sprint(k.Connections), ago(k.LastUsed.ms(), a.now()), k.flags()}
				})
		},
	}
}

func (a *app) keyShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show KEY", Short: "show one key", Args: args("KEY"), ValidArgsFunction: a.completeKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(cmd.Context(), a, "key.show", keyParam{args[0]}, func(r keyAnswer) error {
				k := r.Key
				return a.facts([][2]string{
					{"name", name(k.Name)}, {"npub", k.Npub}, {"state", k.state(a)}, {"notes", k.flags()}, {"apps", fmt.Sprint(k.Connections)},
					{"last used", fmt.Sprintf("%s (%d requests)", ago(k.LastUsed.ms(), a.now()), k.Uses)}, {"made", a.when(k.CreatedAt)}, {"id", k.ID},
				})
			})
		},
	}
}

type keyParam struct {
	Key string `json:"key"`
}

func (a *app) keyRenameCmd() *cobra.Command {
	return &cobra.Command{
		Use: "rename KEY NAME", Short: "give a key another name", Args: args("KEY", "NAME"), ValidArgsFunction: a.completeKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := struct {
				Key  string `json:"key"`
				Name string `json:"name"`
			}{args[0], args[1]}
			return show(cmd.Context(), a, "key.rename", p, func(r keyAnswer) error {
				a.say("The key is named %s now.", name(r.Key.Name))
				return nil
			})
		},
	}
}

// keyDone runs a command whose answer is a key and says a sentence.
func (a *app) keyDone(ctx context.Context, command string, params any, say func(k *keyView) string) error {
	return show(ctx, a, command, params, func(r keyAnswer) error {
		a.say("%s", say(&r.Key))
		return nil
	})
}

func (a *app) keyLockCmd() *cobra.Command {
	return &cobra.Command{
		Use: "lock KEY", Short: "take a key out of memory until somebody unlocks it", Args: args("KEY"), ValidArgsFunction: a.completeKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.keyDone(cmd.Context(), "key.lock", keyParam{args[0]}, func(k *keyView) string {
				return fmt.Sprintf("%s is locked: it is not in memory, and a restart does not unlock it.", name(k.Name))
			})
		},
	}
}

type keyPassphraseParam struct {
	Key        string       `json:"key"`
	Passphrase secret.Param `json:"passphrase,omitempty"`
}

func (a *app) keyUnlockCmd() *cobra.Command {
	return &cobra.Command{
		Use: "unlock KEY", Short: "take a key back into memory", Args: args("KEY"), ValidArgsFunction: a.completeKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := keyPassphraseParam{Key: args[0]}
			defer func() { p.Passphrase.Wipe() }()
			return showWithKeyPassphrase(cmd.Context(), a, "key.unlock", &p, &p.Passphrase, func(r keyAnswer) error {
				a.say("%s is unlocked and signs.", name(r.Key.Name))
				return nil
			})
		},
	}
}

// showWithKeyPassphrase is show for commands on a key that may have a passphrase
// of its own: when the bunker says so, it is asked for, into at, and params are
// sent again.
func showWithKeyPassphrase[T any](ctx context.Context, a *app, command string, params any, at *secret.Param, human func(T) error) error {
	var raw json.RawMessage
	err := a.call(ctx, command, params, &raw)
	if needsKeyPassphrase(err) {
		if *at, err = a.nextSecret(ctx, "Passphrase of the key itself:"); err != nil {
			return err
		}
		err = a.call(ctx, command, params, &raw)
	}
	if err != nil {
		return err
	}
	return showRaw(a, raw, human)
}

func (a *app) keyDeleteCmd() *cobra.Command {
	var breakGlass bool
	return glassFlag(a.proofFlag(a.yesFlag(&cobra.Command{
		Use: "delete KEY", Short: "delete a key after a waiting period", ValidArgsFunction: a.completeKeys,
		Long: "Deletes a key. It stops signing at once and is erased when the waiting period is over (7 days unless configured); until then `key restore` brings it back.",
		Args: args("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			what := fmt.Sprintf("The key %s stops signing now and is erased for ever after the waiting period.", shown(args[0], bunkerName))
			if err := a.confirmOf(cmd.Context(), "key.show", keyParam{args[0]}, what, args[0]); err != nil {
				return err
			}
			p := struct {
				Key        string `json:"key"`
				BreakGlass bool   `json:"break_glass,omitempty"`
			}{args[0], breakGlass}
			return a.keyDone(cmd.Context(), "key.delete", p, func(k *keyView) string {
				return fmt.Sprintf("%s signs nothing any more and is erased %s.", name(k.Name), a.when(k.DeleteAt))
			})
		},
	})), &breakGlass)
}

func (a *app) keyRestoreCmd() *cobra.Command {
	return &cobra.Command{
		Use: "restore KEY", Short: "bring back a deleted key within the waiting period", Args: args("KEY"), ValidArgsFunction: a.completeKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.keyDone(cmd.Context(), "key.restore", keyParam{args[0]}, func(k *keyView) string {
				return fmt.Sprintf("%s is back (%s).", name(k.Name), k.state(a))
			})
		},
	}
}
