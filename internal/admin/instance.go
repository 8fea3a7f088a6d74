package admin

import (
	"context"

	"nsecbunker/internal/bunker"
)

func instanceCommands(t *Table) {
	add(t, Command{
		Name: "instance.check", Summary: "Checks the whole store while it runs: file, rows, audit chain; and lists what was not delivered.",
		Role: bunker.Viewer, Doors: system(), WhileSealed: true, Machine: true,
	}, t.instanceCheck)
}

type instanceCheckResult struct {
	Sound       bool              `json:"sound"`
	Damage      []string          `json:"damage,omitempty" doc:"of the database file"`
	Tampered    []string          `json:"tampered,omitempty" doc:"rows that were changed from outside"`
	Unverified  bool              `json:"unverified,omitempty" doc:"sealed: no row could be verified"`
	Audit       auditVerifyResult `json:"audit"`
	Undelivered []undeliveredView `json:"undelivered,omitempty" doc:"replies that no relay took within ten minutes"`
	NotInMemory []string          `json:"not_in_memory,omitempty" doc:"keys that are not locked and cannot sign"`
	Unattended  []string          `json:"unattended,omitempty" doc:"slots that open the bunker without a person"`
	Clock       clockView         `json:"clock"`
	Memory      memoryView        `json:"memory"`
}

type undeliveredView struct {
	Event      string `json:"event"`
	Connection string `json:"connection"`
	Method     string `json:"method"`
	Since      Time   `json:"since"`
	Erased     bool   `json:"erased,omitempty" doc:"too old to be sent any more"`
}

func (t *Table) instanceCheck(ctx context.Context, _ *Call, _ Empty) (instanceCheckResult, error) {
	var res instanceCheckResult
	found, err := t.Rows.Check(ctx, t.Tenant)
	if err != nil {
		return res, err
	}
	res.Damage, res.Tampered, res.Unverified, res.Audit = found.Damage, found.Tampered, found.Sealed, viewReport(found.Chain)
	res.Sound = len(found.Damage) == 0 && len(found.Tampered) == 0 && found.Chain.Whole()
	lost, err := t.Rows.Undeliverable(ctx, t.Tenant)
	if err != nil {
		return res, err
	}
	for _, u := range lost {
		res.Undelivered = append(res.Undelivered, undeliveredView{u.Event.String(), string(u.Connection), u.Method, Time(u.ReadyAt), u.Erased})
	}
	slots, err := t.Rows.Slots(ctx, t.Tenant)
	if err != nil {
		return res, err
	}
	for _, s := range slots {
		if !s.Kind.NeedsPerson() {
			res.Unattended = append(res.Unattended, s.Name)
		}
	}
	clock, info := t.Rows.Clock(), t.Around.Info()
	res.Clock = clockView{Time(clock.Ledger.UnixMilli()), clock.Suspect, clock.Behind, clock.Why}
	res.Memory = memoryView{info.MemoryUsed, info.MemorySize, info.MemoryLocked}
	if !t.Vault.Unsealed(t.Tenant) || found.Sealed || len(found.Tampered) > 0 {
		return res, nil // keys cannot be listed then
	}
	return res, t.eachKey(ctx, func(k *bunker.UserKey) error {
		if k.State == bunker.KeyActive && !k.Locked && !t.Vault.Unlocked(t.Tenant, k.ID) {
			res.NotInMemory = append(res.NotInMemory, k.Name)
		}
		return nil
	})
}
