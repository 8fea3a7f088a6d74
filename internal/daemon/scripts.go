package daemon

import (
	"context"
	"encoding/json"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/web"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

var _ web.Scripts = scripts{}

// scripts is the bunker as the door for scripts sees it.
type scripts struct{ t *tenant }

// Script implements [web.Scripts]. Everything is read now, from verified rows; an npub
// that is a user key here cannot come, since whatever that key signs for could.
func (s scripts) Script(ctx context.Context, person nostr.PubKey) (bunker.Principal, error) {
	t := s.t
	refused := bunker.Errorf(bunker.CodeRestricted, "no script of this npub is let in here").WithHint("nsecbunker admin script NPUB")
	if !t.vault.Unsealed(t.id) {
		return bunker.Principal{}, bunker.Errorf(bunker.CodeSealed, "the bunker is sealed, or not set up")
	}
	a, err := t.store.Admin(ctx, t.id, person)
	switch {
	case isNotFound(err):
		return bunker.Principal{}, refused
	case err != nil:
		return bunker.Principal{}, err
	case !a.Script || a.ActiveAt > t.store.LedgerTime().UnixMilli():
		return bunker.Principal{}, refused
	}
	if own, err := t.isUserKey(ctx, person); err != nil || own {
		if err == nil {
			err = refused
		}
		return bunker.Principal{}, err
	}
	return bunker.Principal{Name: nip19.EncodeNpub(person), Role: a.Role, Door: bunker.DoorHTTP, PubKey: person, Keys: a.Keys}, nil
}

// Use implements [web.Scripts].
func (s scripts) Use(ctx context.Context, id nostr.ID, until time.Time) (bool, error) {
	return s.t.store.UseHTTP(ctx, s.t.id, id, until.UnixMilli())
}

// Execute implements [web.Scripts].
func (s scripts) Execute(ctx context.Context, p bunker.Principal, o admin.Order) (json.RawMessage, error) {
	return doorTable(s).Execute(ctx, p, o)
}
