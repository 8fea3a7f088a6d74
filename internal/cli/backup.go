package cli

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"nsecbunker/internal/daemon"
	"nsecbunker/internal/secret"
)

func (a *app) backupCmd() *cobra.Command {
	c := &cobra.Command{Use: "backup", Short: "make, check and restore backups (age-encrypted)"}
	c.AddCommand(a.backupCreateCmd(), a.backupVerifyCmd(), a.backupRestoreCmd(), a.backupExportCmd())
	return c
}

func (a *app) backupCreateCmd() *cobra.Command {
	var recipient string
	cmd := &cobra.Command{
		Use: "create FILE", Short: "write an encrypted backup of everything, while the bunker runs", Args: args("FILE"),
		Long: `Writes a backup of everything to a new file, while the bunker runs: the store, the service key, the configuration. It is encrypted with age: by a passphrase that is asked for, or
with --recipient to an age public key. To use it, the bunker's own passphrase (or another slot) is needed as well; nothing else is.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.backupTo(cmd.Context(), "backup.create", "", args[0], recipient)
		},
	}
	cmd.Flags().StringVar(&recipient, "recipient", "", "age public key (`age1…`) instead of a passphrase")
	return a.proofFlag(cmd)
}

type backupFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// backupTo has a backup written, of everything or of one bunker that is hosted.
func (a *app) backupTo(ctx context.Context, command, id, file, recipient string) error {
	p := struct {
		ID         string       `json:"id,omitempty"`
		Path       string       `json:"path"`
		Passphrase secret.Param `json:"passphrase,omitempty"`
		Recipient  string       `json:"recipient,omitempty"`
	}{ID: id, Recipient: recipient}
	defer func() { p.Passphrase.Wipe() }()
	var err error
	if p.Path, err = filepath.Abs(file); err != nil {
		return fail("%w", err)
	}
	if recipient == "" {
		if p.Passphrase, err = a.newPassphrase(ctx, "Passphrase of the backup"); err != nil {
			return err
		}
	}
	type answer struct {
		File backupFile `json:"file"`
	}
	return show(ctx, a, command, p, func(r answer) error {
		a.say("Written: %s, %d KiB, SHA-256 %s", shown(r.File.Path, 500), r.File.Size>>10, r.File.SHA256)
		if id != "" {
			return nil
		}
		a.say("Check it now, and then keep it on another machine: nsecbunker backup verify %s", shown(file, 500))
		return nil
	})
}

// backupKey is what opens a backup: an age identity from a file, or a passphrase.
func (a *app) backupKey(ctx context.Context, identityFile string) (daemon.BackupKey, error) {
	if identityFile == "" {
		var p secret.Param
		var err error
		if a.passphraseFile != "" {
			p, err = readSecretFile(a.passphraseFile)
		} else {
			p, err = a.nextSecret(ctx, "Passphrase of the backup:")
		}
		return daemon.BackupKey{Passphrase: p}, err
	}
	b, err := readSecretFile(identityFile)
	if err != nil {
		return daemon.BackupKey{}, err
	}
	defer b.Wipe()
	for _, line := range bytes.Split(b, []byte("\n")) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return daemon.BackupKey{Identity: string(line)}, nil
		}
	}
	return daemon.BackupKey{}, fail("%s holds no age identity", identityFile)
}

// backupFlags are for reading backups.
func (a *app) backupFlags(cmd *cobra.Command, identityFile *string) *cobra.Command {
	cmd.Flags().StringVarP(identityFile, "identity", "i", "", "`file` with the age identity (AGE-SECRET-KEY-1…), for backups to a recipient")
	cmd.Flags().StringVar(&a.passphraseFile, "passphrase-file", "", "`file` with the backup's passphrase")
	return cmd
}

func (a *app) backupVerifyCmd() *cobra.Command {
	var identity string
	cmd := &cobra.Command{
		Use: "verify FILE", Short: "read a backup to its end and check what is in it", Args: args("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			k, err := a.backupKey(cmd.Context(), identity)
			if err != nil {
				return err
			}
			defer secret.Wipe(k.Passphrase)
			m, err := daemon.VerifyBackup(cmd.Context(), args[0], k, a.quietLog())
			if err != nil {
				return err
			}
			return a.manifest("The backup is whole.", m)
		},
	}
	return a.backupFlags(cmd, &identity)
}

func (a *app) backupRestoreCmd() *cobra.Command {
	var identity string
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "put a backup into an empty data folder", Args: args("FILE"),
		Long: `Puts a backup into an empty data folder (--data), without a running bunker.

A restored bunker is careful: its keys are locked and its connections suspended until you have looked at them, and links that were
not used are void. The old one must not run any more.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.backupRestore(cmd.Context(), args[0], identity)
		},
	}
	return a.backupFlags(a.yesFlag(cmd), &identity)
}

func (a *app) backupRestore(ctx context.Context, file, identity string) error {
	dir, err := a.dataDir()
	if err != nil {
		return err
	}
	what := fmt.Sprintf("The backup becomes the bunker in %s. If the one that it was made of still runs anywhere, stop that first:\ntwo that sign for the same keys contradict each other.", dir)
	if err := a.confirm(ctx, what, "restore"); err != nil {
		return err
	}
	k, err := a.backupKey(ctx, identity)
	if err != nil {
		return err
	}
	defer secret.Wipe(k.Passphrase)
	privateFiles()
	m, err := daemon.Restore(ctx, file, k, dir, a.quietLog())
	if err != nil {
		return err
	}
	if err := a.manifest("Restored to "+dir+".", m); err != nil {
		return err
	}
	a.say("Next: nsecbunker start; then look at nsecbunker connections, end the review with nsecbunker connections review, then resume apps: nsecbunker connections resume")
	return nil
}

func (a *app) manifest(words string, m daemon.Manifest) error {
	a.say("%s", words)
	if a.asJSON {
		return a.json(m)
	}
	return a.facts([][2]string{
		{"made", m.Made.Local().Format("2006-01-02 15:04:05") + " (" + ago(m.Made.UnixMilli(), a.now()) + ")"},
		{"by version", shown(m.Version, 60)},
		{"log", fmt.Sprintf("%d records, head %s", m.Sequence, shown(m.Head, 64))},
	})
}

// quietLog tells warnings only: a person waits for one answer.
func (a *app) quietLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(a.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func (a *app) leaveCmd() *cobra.Command {
	var out string
	var breakGlass bool
	cmd := &cobra.Command{
		Use: "leave", Short: "export every key that allows it, and say which do not", Args: args(),
		Long: `Exports every key as ncryptsec (NIP-49), closed with one password that is asked for, so that you can move to another bunker or app.
Prints a line for each: name, npub, ncryptsec. Keys that cannot be exported are named with the reason.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.leave(cmd.Context(), out, breakGlass) },
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "new `file` to write to, mode 0600 (default: stdout)")
	return a.proofFlag(glassFlag(cmd, &breakGlass))
}

func (a *app) leave(ctx context.Context, out string, breakGlass bool) error {
	if out != "" {
		if _, err := os.Lstat(out); err == nil {
			return fail("%s is there already", out).withHint("name a file that does not exist")
		}
	}
	password, err := a.newPassphrase(ctx, "Password that closes the exports")
	if err != nil {
		return err
	}
	defer password.Wipe()
	p := map[string]any{"password": password}
	if breakGlass {
		p["break_glass"] = true
	}
	rows, err := a.pages(ctx, "leave", "keys", p, maxRows)
	if err != nil {
		return err
	}
	return a.leaving(rows, out)
}
