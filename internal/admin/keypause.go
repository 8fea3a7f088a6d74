package admin

import (
	"context"
	"time"

	"nsecbunker/internal/bunker"
)

func keyPauseCommands(t *Table) {
	add(t, Command{
		Name: "key.pause", Summary: "Pauses a key: nothing is done for its apps, for a time or until it is resumed. They are told so. The key stays unlocked.",
		Role: bunker.Approver, Doors: local(), Writes: true, Scope: ofKey(),
	}, t.keyPause)
	add(t, Command{
		Name: "key.resume", Summary: "Ends the pause of a key.",
		Role: bunker.Operator, Doors: local(), Writes: true, Scope: ofKey(),
	}, t.keyResume)
}

type keyPauseParams struct {
	keyParams
	For Span `json:"for,omitzero" doc:"how long; then the key signs again by itself (until it is resumed)"`
}

// keyPause holds for the next request, also those on their way: the key's row has
// another version. A pause can be made longer, not shorter: that is ending it, which
// takes another role.
func (t *Table) keyPause(ctx context.Context, c *Call, p keyPauseParams) (keyResult, error) {
	k, err := t.changeKey(ctx, c, p.Key, func(tx Tx, k *bunker.UserKey, rec *bunker.AuditRecord) error {
		until := int64(0)
		if p.For > 0 {
			until = tx.Now() + time.Duration(p.For).Milliseconds()
		}
		if k.PausedAt(tx.Now()) && (k.PausedUntil == 0 || until != 0 && until <= k.PausedUntil) {
			return bunker.Errorf(bunker.CodeConflict, "the key %s is paused already, at least as long", k.Name).In("key").
				WithHint("nsecbunker key resume %s", k.Name)
		}
		k.Paused, k.PausedUntil = true, until
		if rec.Reason = "key " + k.Name + " is paused"; until != 0 {
			rec.Reason += " until " + Time(until).text()
		}
		return nil
	})
	return t.pausedKey(k, err)
}

func (t *Table) keyResume(ctx context.Context, c *Call, p keyParams) (keyResult, error) {
	k, err := t.changeKey(ctx, c, p.Key, func(tx Tx, k *bunker.UserKey, _ *bunker.AuditRecord) error {
		if !k.PausedAt(tx.Now()) {
			return bunker.Errorf(bunker.CodeConflict, "the key %s is not paused", k.Name).In("key")
		}
		k.Paused, k.PausedUntil = false, 0
		return nil
	})
	return t.pausedKey(k, err)
}

// pausedKey has parked requests looked at again.
func (t *Table) pausedKey(k *bunker.UserKey, err error) (keyResult, error) {
	if err != nil {
		return keyResult{}, err
	}
	t.Around.Wake()
	return keyResult{Key: t.viewKey(k)}, nil
}
