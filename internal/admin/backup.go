package admin

import (
	"context"
	"path"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// MaxPath is the longest path of a file, in bytes.
const MaxPath = 4096

func backupCommands(t *Table) {
	add(t, Command{
		Name: "backup.create", Summary: "Writes the whole store, encrypted with age, to a new file on the bunker's machine.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Machine: true,
	}, t.backupCreate)
}

type backupCreateParams struct {
	Path       string       `json:"path" doc:"a whole path, of a file that does not exist"`
	Passphrase secret.Param `json:"passphrase,omitempty" doc:"opens the backup; at least 12 characters"`
	Recipient  string       `json:"recipient,omitempty" doc:"an age recipient (age1…), in place of a passphrase"`
}

type backupCreateResult struct {
	File     BackupFile `json:"file"`
	Warnings []string   `json:"warnings,omitempty"`
}

// backupCreate records first: the record is then in the backup, and no backup is
// without one.
func (t *Table) backupCreate(ctx context.Context, c *Call, p backupCreateParams) (backupCreateResult, error) {
	var res backupCreateResult
	if !path.IsAbs(p.Path) || len(p.Path) > MaxPath || strings.ContainsRune(p.Path, 0) {
		return res, bunker.Errorf(bunker.CodeInvalid, "the path must be a whole one, beginning with a slash").In("path")
	}
	switch {
	case (len(p.Passphrase) > 0) == (p.Recipient != ""):
		return res, bunker.Errorf(bunker.CodeInvalid, "give a passphrase or a recipient, one of them").In("passphrase")
	case p.Recipient == "":
		if err := t.Slots.Check(p.Passphrase); err != nil {
			return res, err
		}
	case !strings.HasPrefix(p.Recipient, "age1"):
		return res, bunker.Errorf(bunker.CodeInvalid, "an age recipient begins with age1").In("recipient")
	}
	rec := &bunker.AuditRecord{Object: clip(p.Path), Reason: "encrypted"}
	if err := c.Commit(ctx, rec, func(Tx) error { return nil }); err != nil {
		return res, err
	}
	file, err := t.Backup.Create(ctx, BackupRequest{Path: p.Path, Passphrase: p.Passphrase, Recipient: p.Recipient})
	if err != nil {
		return res, err
	}
	res.File = file
	res.Warnings = append(res.Warnings, "restoring it needs the bunker's passphrase, too (or another slot that opens it); everything else is in the backup, the service key as well")
	return res, nil
}
