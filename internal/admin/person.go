package admin

import (
	"context"

	"nsecbunker/internal/bunker"
)

// namePersons puts the names in place of the digests that records have of them. The
// names are outside the chain; one that was erased stays a digest.
func (t *Table) namePersons(ctx context.Context, recs []bunker.AuditRecord) error {
	var names map[string]string
	for i := range recs {
		if recs[i].Person == "" {
			continue
		}
		if names == nil {
			list, err := t.Rows.Persons(ctx, t.Tenant, nil)
			if err != nil {
				return err
			}
			names = make(map[string]string, len(list))
			for _, n := range list {
				names[t.Vault.PersonTag(t.Tenant, n)] = bunker.Display(n, MaxName)
			}
		}
		if n, ok := names[recs[i].Person]; ok {
			recs[i].Person = n
		}
	}
	return nil
}
