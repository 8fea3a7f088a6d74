package admin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	add(t, Command{
		Name: "backup.export", Summary: "Returns a hosted bunker as one sealed file, with which another instance takes it in: keys, links, apps, policies, log and settings.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Quorum: QuorumExport,
	}, t.backupExport)
}

// MaxExport is the largest file that a hosted bunker is exported as, in bytes: with base64
// it fits into one answer from afar.
const MaxExport = 5 << 20

type backupExportParams struct {
	Password secret.Param `json:"password" doc:"opens the file; at least 12 characters"`
	glass
}

type backupExportResult struct {
	File   []byte `json:"file" doc:"base64"`
	Size   int64  `json:"size" doc:"bytes"`
	SHA256 string `json:"sha256"`
}

// backupExport leaves no key behind that is never to be exported: who has the file can
// try passphrases on it wherever he likes.
func (t *Table) backupExport(ctx context.Context, c *Call, p backupExportParams) (res backupExportResult, err error) {
	if !t.Guest {
		return res, bunker.Errorf(bunker.CodeRestricted, "this is for bunkers that somebody hosts; here the whole store is backed up").WithHint("nsecbunker backup create FILE")
	}
	if err := t.Slots.Check(p.Password); err != nil {
		return res, renamed(err, "passphrase", "password")
	}
	for page := (Page{Limit: MaxPage}); ; {
		keys, err := t.Rows.Keys(ctx, t.Tenant, page)
		if err != nil {
			return res, err
		}
		for i := range keys {
			if keys[i].NoExport {
				return res, bunker.Errorf(bunker.CodeRestricted, "the key %s was made so that it can never be exported, so the bunker is not exported with it; ask your provider for its backup (tenant backup), or delete that key", keys[i].Name)
			}
		}
		if len(keys) < MaxPage {
			break
		}
		page.After = keys[len(keys)-1].Name
	}
	// The record is in the file, and no file is without one.
	if err := c.Commit(ctx, &bunker.AuditRecord{Reason: "the whole bunker, encrypted"}, func(Tx) error { return nil }); err != nil {
		return res, err
	}
	if res.File, err = t.Backup.Export(ctx, p.Password, MaxExport); err != nil {
		return res, err
	}
	sum := sha256.Sum256(res.File)
	res.Size, res.SHA256 = int64(len(res.File)), hex.EncodeToString(sum[:])
	return res, nil
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

func checkPath(p string) error {
	if !path.IsAbs(p) || len(p) > MaxPath || strings.ContainsRune(p, 0) {
		return bunker.Errorf(bunker.CodeInvalid, "the path must be a whole one, beginning with a slash").In("path")
	}
	return nil
}

func (t *Table) checkBackup(p backupCreateParams) error {
	if err := checkPath(p.Path); err != nil {
		return err
	}
	switch {
	case (len(p.Passphrase) > 0) == (p.Recipient != ""):
		return bunker.Errorf(bunker.CodeInvalid, "give a passphrase or a recipient, one of them").In("passphrase")
	case p.Recipient == "":
		return t.Slots.Check(p.Passphrase)
	case !strings.HasPrefix(p.Recipient, "age1"):
		return bunker.Errorf(bunker.CodeInvalid, "an age recipient begins with age1").In("recipient")
	}
	return nil
}

// backupCreate records first: the record is then in the backup, and no backup is
// without one.
func (t *Table) backupCreate(ctx context.Context, c *Call, p backupCreateParams) (backupCreateResult, error) {
	var res backupCreateResult
	if err := t.checkBackup(p); err != nil {
		return res, err
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
