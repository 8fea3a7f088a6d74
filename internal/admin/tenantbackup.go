package admin

import (
	"context"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

func tenantBackupCommands(t *Table) {
	row := func(name, summary string, dangerous bool) Command {
		return Command{Name: name, Summary: summary, Role: bunker.Owner, Doors: local(), House: true, Writes: true, Dangerous: dangerous}
	}
	add(t, row("tenant.backup", "Writes one bunker that is hosted here, encrypted with age, to a new file on this machine. What is in it opens with its own passphrase alone.", true), t.tenantBackup)
	add(t, row("tenant.restore", "Takes in a bunker out of such a file, or out of its owner's export: its keys are locked and its apps suspended until its owner has looked.", false), t.tenantRestore)
}

type tenantBackupParams struct {
	tenantParams
	backupCreateParams
}

type tenantBackupResult struct {
	File BackupFile `json:"file"`
}

func (t *Table) tenantBackup(ctx context.Context, c *Call, p tenantBackupParams) (res tenantBackupResult, err error) {
	if err := t.checkBackup(p.backupCreateParams); err != nil {
		return res, err
	}
	h, err := t.House.Tenant(ctx, bunker.TenantID(p.ID))
	if err != nil {
		return res, err
	}
	if err := c.Commit(ctx, &bunker.AuditRecord{Object: string(h.ID), Reason: "encrypted, to " + clip(p.Path)}, func(Tx) error { return nil }); err != nil {
		return res, err
	}
	res.File, err = t.House.BackupTenant(ctx, h.ID, BackupRequest{Path: p.Path, Passphrase: p.Passphrase, Recipient: p.Recipient})
	return res, err
}

type tenantRestoreParams struct {
	Path       string       `json:"path" doc:"a whole path, of the file on this machine"`
	Passphrase secret.Param `json:"passphrase,omitempty" doc:"opens the file"`
	Identity   secret.Param `json:"identity,omitempty" doc:"an age identity (AGE-SECRET-KEY-1…), in place of a passphrase"`
	Label      string       `json:"label,omitempty" doc:"your word for it"`
	People     int64        `json:"people,omitempty" doc:"how many may sign; of people, keys and rate none: no bound at all"`
	Keys       int64        `json:"keys,omitempty" doc:"how many keys there may be (10)"`
	Rate       int64        `json:"rate,omitempty" doc:"requests a second, in the long run (50)"`
}

func (t *Table) tenantRestore(ctx context.Context, c *Call, p tenantRestoreParams) (res tenantResult, err error) {
	if err := checkPath(p.Path); err != nil {
		return res, err
	}
	if (len(p.Passphrase) > 0) == (len(p.Identity) > 0) {
		return res, bunker.Errorf(bunker.CodeInvalid, "give a passphrase or an age identity, one of them").In("passphrase")
	}
	if len(p.Identity) > 0 && !strings.HasPrefix(string(p.Identity), "AGE-SECRET-KEY-1") {
		return res, bunker.Errorf(bunker.CodeInvalid, "an age identity begins with AGE-SECRET-KEY-1").In("identity")
	}
	r := RestoreRequest{Path: p.Path, Passphrase: p.Passphrase, Identity: p.Identity}
	if r.Label, err = text("label", p.Label, false); err != nil {
		return res, err
	}
	if r.Quota, err = quotaOf(p.People, p.Keys, p.Rate); err != nil {
		return res, err
	}
	rec := &bunker.AuditRecord{Reason: "from " + clip(p.Path)}
	id, err := t.House.RestoreTenant(ctx, r, func(f func(Tx) error) error { return c.Commit(ctx, rec, f) })
	if err != nil {
		return res, err
	}
	h, err := t.House.Tenant(ctx, id)
	if err != nil {
		return res, err
	}
	return tenantResult{t.viewTenant(h)}, nil
}
