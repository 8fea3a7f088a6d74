package admin

import (
	"context"

	"nsecbunker/internal/bunker"
)

func stopCommands(t *Table) {
	add(t, Command{
		Name: "stop", Summary: "Stops everything: locks every key, suspends every connection. Works while sealed, too.",
		Role: bunker.Approver, Doors: local(), WhileSealed: true, Writes: true,
	}, t.stop)
	add(t, Command{
		Name: "stop.end", Summary: "Ends a stop. Keys stay locked and connections suspended until they are brought back one by one. After a stop for another copy of this bunker it says that this one is the right one: the copy stops when it hears of it.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true,
	}, t.stopEnd)
}

type stopResult struct {
	Warnings []string `json:"warnings,omitempty"`
}

// stop is durable before any key is wiped: neither a restart nor an automatic
// unseal undoes it.
func (t *Table) stop(ctx context.Context, c *Call, _ Empty) (stopResult, error) {
	t.memory.Lock()
	defer t.memory.Unlock()
	st, _, err := t.Rows.Tenant(ctx, t.Tenant)
	if err != nil {
		return stopResult{}, err
	}
	if !st.SetUp {
		return stopResult{}, bunker.Errorf(bunker.CodeConflict, "the bunker is not set up yet; there is nothing to stop")
	}
	if !t.Vault.Unsealed(t.Tenant) {
		return stopResult{}, c.Recorded(t.Rows.StopSealed(ctx, t.Tenant, c.Principal))
	}
	rec := &bunker.AuditRecord{Reason: "every key is locked, every connection suspended"}
	if err := c.Commit(ctx, rec, func(tx Tx) error { return tx.StopEverything() }); err != nil {
		return stopResult{}, err
	}
	err = t.Vault.LockAll(t.Tenant)
	res := stopResult{Warnings: behindWords(t.Around.Changed())}
	t.Around.Wake()
	return res, err
}

func (t *Table) stopEnd(ctx context.Context, c *Call, _ Empty) (Empty, error) {
	rec := &bunker.AuditRecord{}
	err := c.Commit(ctx, rec, func(tx Tx) (err error) {
		if !tx.Tenant().Stopped {
			return bunker.Errorf(bunker.CodeConflict, "the bunker is not stopped")
		}
		if rec.Reason, err = outlive(tx); err != nil {
			return err
		}
		st := tx.Tenant()
		st.Stopped = false
		return tx.PutTenant(st)
	})
	return Empty{}, err
}
