package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"nsecbunker/internal/secret"
)

func (a *app) tenantBackupCmd() *cobra.Command {
	var recipient string
	cmd := &cobra.Command{
		Use: "backup ID FILE", Short: "write an encrypted backup of one bunker, while it runs", Args: args("ID", "FILE"),
		Long: `Writes one bunker that is hosted here to a new file on the bunker's machine: its service key, its wrapped keys, links, apps, policies, log and
settings. It is encrypted with age: by a passphrase that is asked for, or with --recipient to an age public key. What its keys open with is its owner's passphrase, which you do not have.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.backupTo(cmd.Context(), "tenant.backup", args[0], args[1], recipient)
		},
	}
	cmd.Flags().StringVar(&recipient, "recipient", "", "age public key (`age1…`) instead of a passphrase")
	return a.proofFlag(cmd)
}

func (a *app) tenantRestoreCmd() *cobra.Command {
	var identity, label string
	var q quotaFlags
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "take in a bunker out of its backup, or out of its owner's export", Args: args("FILE"),
		Long: `Takes in one bunker that was hosted here or elsewhere, out of a file on the bunker's machine. Its connection string, its keys and its links
are the same, so apps go on working: once its owner has given the passphrase and looked at the list, for its keys are locked and its apps
suspended until then. The one that it was made of must not run any more: two that sign for the same keys contradict each other.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := q.check(cmd); err != nil {
				return err
			}
			return a.tenantRestore(cmd.Context(), args[0], identity, label, &q)
		},
	}
	f := cmd.Flags()
	f.StringVar(&label, "label", "", "your `word` for it")
	q.flags(f)
	return a.backupFlags(a.yesFlag(cmd), &identity)
}

func (a *app) tenantRestore(ctx context.Context, file, identity, label string, q *quotaFlags) error {
	path, err := filepath.Abs(file)
	if err != nil {
		return fail("%w", err)
	}
	if err := a.confirm(ctx, "The bunker of this file will run here. If it still runs anywhere else, stop that first.", "restore"); err != nil {
		return err
	}
	k, err := a.backupKey(ctx, identity)
	if err != nil {
		return err
	}
	defer secret.Wipe(k.Passphrase)
	p := map[string]any{"path": path}
	if k.Identity != "" {
		p["identity"] = secret.Param(k.Identity)
	} else {
		p["passphrase"] = secret.Param(k.Passphrase)
	}
	if label != "" {
		p["label"] = label
	}
	q.into(p)
	return show(ctx, a, "tenant.restore", p, func(r tenantAnswer) error {
		a.say("The bunker %s runs here, sealed. Its owner finds it under its connection string, unseals it, looks at the list of apps and ends the review.", shown(r.Tenant.ID, 40))
		return a.sayReach(r.Tenant.ConnectionString, "")
	})
}

func (a *app) backupExportCmd() *cobra.Command {
	var glass bool
	cmd := &cobra.Command{
		Use: "export FILE", Short: "take a hosted bunker along, as one encrypted file", Args: args("FILE"),
		Long: `Writes the whole bunker that somebody hosts for you to a new file on this machine: keys, links, apps, policies, log and settings, encrypted with age by a passphrase
that is asked for. Another provider takes it in with nsecbunker tenant restore; so do you, in an instance of your own that was started with
--hosted. Apps go on working there. Let the old one end before.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.backupExport(cmd.Context(), args[0], glass) },
	}
	return a.proofFlag(glassFlag(cmd, &glass))
}

func (a *app) backupExport(ctx context.Context, file string, glass bool) error {
	if _, err := os.Lstat(file); err == nil {
		return fail("%s is there already", file).withHint("name a file that does not exist")
	}
	password, err := a.newPassphrase(ctx, "Passphrase of the file")
	if err != nil {
		return err
	}
	defer password.Wipe()
	type answer struct {
		File   []byte `json:"file"`
		Size   int64  `json:"size"`
		SHA256 string `json:"sha256"`
	}
	p := map[string]any{"password": password}
	if glass {
		p["break_glass"] = true
	}
	var r answer
	if err := a.call(ctx, "backup.export", p, &r); err != nil {
		return err
	}
	sum := sha256.Sum256(r.File)
	if want, err := hex.DecodeString(r.SHA256); err != nil || !bytes.Equal(want, sum[:]) {
		return fail("the file did not come whole; nothing was written")
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = f.Write(r.File)
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			err = errors.Join(err, os.Remove(file)) // no half of it
		}
	}
	if err != nil {
		return fail("%w", err)
	}
	if a.asJSON {
		return a.json(backupFile{Path: file, Size: r.Size, SHA256: r.SHA256})
	}
	a.say("Written: %s, %d KiB, SHA-256 %s", shown(file, 500), r.Size>>10, r.SHA256)
	return nil
}
