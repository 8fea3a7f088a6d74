package admin

import (
	"context"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr/nip19"
)

// MaxLeave is how many keys one answer of leave holds: each costs one scrypt.
const MaxLeave = 10

func leaveCommands(t *Table) {
	add(t, Command{
		Name: "leave", Summary: "Exports every key that allows it, closed with a password, and says which do not and why.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Quorum: QuorumExport,
	}, t.leave)
}

type leaveParams struct {
	Password secret.Param `json:"password" doc:"closes the exports; at least 12 characters"`
	After    string       `json:"after,omitempty" doc:"where to go on: the next of the answer before"`
	glass
}

type leaveResult struct {
	Keys []leaveKey `json:"keys"`
	Next string     `json:"next,omitempty"`
}

type leaveKey struct {
	Name      string `json:"name"`
	Npub      string `json:"npub"`
	Ncryptsec string `json:"ncryptsec,omitempty"`
	Reason    string `json:"reason,omitempty" doc:"why it is not exported"`
}

func (t *Table) leave(ctx context.Context, c *Call, p leaveParams) (leaveResult, error) {
	res := leaveResult{Keys: []leaveKey{}}
	if err := t.Slots.Check(p.Password); err != nil {
		return res, renamed(err, "passphrase", "password")
	}
	page := Page{After: p.After, Limit: MaxLeave}
	keys, err := t.Rows.Keys(ctx, t.Tenant, page)
	if err != nil {
		return res, err
	}
	exported := 0
	for i := range keys {
		k := &keys[i]
		out := leaveKey{Name: k.Name, Npub: nip19.EncodeNpub(k.PubKey)}
		if out.Reason = whyNot(k); out.Reason == "" {
			closed, err := t.ncryptsec(k, nil, p.Password)
			if err != nil {
				return leaveResult{}, err
			}
			out.Ncryptsec = string(closed)
			exported++
		}
		res.Keys = append(res.Keys, out)
	}
	rec := &bunker.AuditRecord{Count: int64(exported), Reason: fmt.Sprintf("%d keys were exported, %d not", exported, len(keys)-exported)}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		for i := range keys {
			now, err := tx.Key(string(keys[i].ID))
			if err != nil {
				return inKey(err)
			}
			if err := unchanged(now, keys[i].Version); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return leaveResult{}, err
	}
	res.Next = next(keys, page, func(k *bunker.UserKey) string { return k.Name })
	return res, nil
}

// whyNot says why a key is not among the exports of leave, "" where it is.
func whyNot(k *bunker.UserKey) string {
	switch {
	case k.NoExport:
		return "it was made so that it can never be exported; move its account to another key"
	case k.OwnPassphrase:
		return "it has a passphrase of its own; export it alone with: nsecbunker key export " + k.Name
	}
	return ""
}
