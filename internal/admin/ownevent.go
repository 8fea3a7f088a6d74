package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/guard"
	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
)

// An account's own event (a profile, a list of relays) is changed in two steps: a
// check says what the change does to the version before and what the guard finds; the
// change then names that version, so that nothing that nobody looked at is replaced.

// ownEdit is a change of one of an account's replaceable events without a d tag.
type ownEdit struct {
	kind nostr.Kind
	// fill makes the new version out of the one before, which is an empty one where
	// there is none or it cannot be read. reason says for the log what is changed; lost, what of the
	// version before cannot be kept, "" for nothing.
	fill func(before *nostr.Event, to *nostr.Template) (reason, lost string, err error)
}

// ownShown is what the caller of a change has seen.
type ownShown struct {
	Base   *string  `json:"base,omitempty" doc:"id of the version that was looked at, empty for none; another one meanwhile refuses the change"`
	Accept bool     `json:"accept,omitempty" doc:"what the guard finds about the change was shown, and is meant; needs base"`
	Relays []string `json:"relays,omitempty" doc:"more relays to publish it on"`
}

type ownCheckResult struct {
	Base     string       `json:"base" doc:"id of the version before, empty for none"`
	Changes  *changesView `json:"changes" doc:"what it does to the version before"`
	Finding  string       `json:"finding,omitempty" doc:"what the guard finds: it must be accepted"`
	Relays   []string     `json:"relays" doc:"where it is published"`
	Warnings []string     `json:"warnings,omitempty"`
}

type ownSetResult struct {
	Event    string        `json:"event" doc:"id of the new event"`
	Base     string        `json:"base" doc:"id of the version before, which key.version.restore brings back; empty for none"`
	Changes  *changesView  `json:"changes" doc:"what it did to the version before"`
	Relays   []RelayAnswer `json:"relays" doc:"which took it; it is sent again to the others for ten minutes unless one took it"`
	JSON     string        `json:"event_json"`
	Warnings []string      `json:"warnings,omitempty"`
}

// ownDraft is a change made, and not signed.
type ownDraft struct {
	tmpl    *nostr.Template
	reason  string
	base    string // id of the version before; "" for none
	changes guard.Changes
	finding string
}

// draft makes the new version out of the one that is current now.
func (t *Table) draft(ctx context.Context, k *bunker.UserKey, e *ownEdit, now time.Time) (*ownDraft, error) {
	last, ev, err := t.current(ctx, k, e.kind)
	if err != nil {
		return nil, err
	}
	d := &ownDraft{tmpl: &nostr.Template{Kind: e.kind, CreatedAt: now.Unix(), Tags: nostr.Tags{}}}
	before := &nostr.Event{Kind: e.kind}
	if ev != nil {
		before = ev
	}
	lost := ""
	if d.reason, lost, err = e.fill(before, d.tmpl); err != nil {
		return nil, err
	}
	if last != nil { // relays keep the later one
		d.base = last.EventID.String()
		d.tmpl.CreatedAt = max(d.tmpl.CreatedAt, last.CreatedAt+1)
	}
	if d.changes, d.finding, err = t.Events.Examine(ctx, k, d.tmpl, now); err != nil {
		return nil, err
	}
	if d.finding == "" {
		d.finding = lost
	}
	return d, nil
}

// current is the version that relays hold, as it is known here; the event is nil
// where none is, or it cannot be read.
func (t *Table) current(ctx context.Context, k *bunker.UserKey, kind nostr.Kind) (*bunker.KeptVersion, *nostr.Event, error) {
	at, err := t.Vault.VersionAddress(t.Tenant, k.ID, kind, "")
	if err != nil {
		return nil, nil, err
	}
	last, err := t.Rows.LastVersion(ctx, t.Tenant, k.ID, kind, at)
	if err != nil || last.Current == nil {
		return nil, nil, err
	}
	ev, _, err := t.openVersion(last.Current)
	if errors.Is(err, bunker.ErrTampered) {
		return last.Current, nil, nil
	}
	return last.Current, ev, err
}

// checkOwn answers a check.
func (t *Table) checkOwn(ctx context.Context, key string, e *ownEdit, warnings []string, named []string) (ownCheckResult, error) {
	var res ownCheckResult
	k, err := t.activeKey(ctx, key)
	if err != nil {
		return res, err
	}
	more, err := t.named("relays", named)
	if err != nil {
		return res, err
	}
	d, err := t.draft(ctx, k, e, t.Now())
	if err != nil {
		return res, err
	}
	relays, left, err := t.outRelays(ctx, k, &nostr.Event{Kind: e.kind, Tags: d.tmpl.Tags}, more)
	if err != nil {
		if bunker.AsError(err).Field != "relays" {
			return res, err
		}
		relays, left = []string{}, append(left, bunker.AsError(err).Words)
	}
	return ownCheckResult{d.base, viewChanges(&d.changes), d.finding, relays, append(warnings, left...)}, nil
}

// setOwn signs a change, commits it with its record, and publishes it.
func (t *Table) setOwn(ctx context.Context, c *Call, key string, e *ownEdit, shown ownShown, warnings []string) (ownSetResult, error) {
	var res ownSetResult
	if shown.Accept && shown.Base == nil {
		return res, bunker.Errorf(bunker.CodeInvalid, "accept says yes to what was found about one version: name it").In("base")
	}
	more, err := t.named("relays", shown.Relays)
	if err != nil {
		return res, err
	}
	var d *ownDraft
	ev, stored, err := t.signOwn(ctx, c, key, func(now time.Time, k *bunker.UserKey) (signer.OwnRequest, error) {
		var r signer.OwnRequest
		if d, err = t.draft(ctx, k, e, now); err != nil {
			return r, err
		}
		seen := &signer.Shown{Base: d.base, Accept: shown.Accept}
		if shown.Base != nil {
			seen.Base = *shown.Base
		}
		switch {
		case seen.Base != d.base: // the signer says so
		case d.changes.Words() == "":
			return r, bunker.Errorf(bunker.CodeInvalid, "nothing would be changed")
		case d.finding != "" && !shown.Accept:
			return r, bunker.Errorf(bunker.CodeConflict, "%s; if that is meant, accept it", d.finding).In("accept")
		}
		relays, left, err := t.outRelays(ctx, k, &nostr.Event{Kind: e.kind, Tags: d.tmpl.Tags}, more)
		res.Warnings = append(append([]string(nil), warnings...), left...)
		return signer.OwnRequest{Object: d.base, Reason: d.reason, Template: d.tmpl, Relays: relays, Shown: seen}, err
	})
	if err != nil {
		return res, err
	}
	res.Event, res.Base, res.Changes, res.JSON = ev.ID.String(), d.base, viewChanges(&d.changes), string(ev.AppendJSON(nil))
	res.Relays, res.Warnings = t.tell(ctx, stored, res.Warnings)
	return res, nil
}

// tell publishes what was committed, and says which relays took it.
func (t *Table) tell(ctx context.Context, stored bunker.Stored, warnings []string) ([]RelayAnswer, []string) {
	told, err := t.Events.Publish(ctx, stored)
	if err != nil { // it is stored, and will be sent
		warnings = append(warnings, "it is signed and stored, and is sent as soon as that is possible: "+bunker.AsError(err).Words)
	}
	return answers(told), warnings
}

// signOwn signs what build makes, for an admin, and commits it. When what was read
// moved, it is judged anew.
func (t *Table) signOwn(ctx context.Context, c *Call, key string, build func(now time.Time, k *bunker.UserKey) (signer.OwnRequest, error)) (*nostr.Event, bunker.Stored, error) {
	fail := func(err error) (*nostr.Event, bunker.Stored, error) { return nil, bunker.Stored{}, err }
	for range connectTries {
		if err := t.wholeTable().believed(ctx, c.Principal, c.Command); err != nil { // what moved may be the caller's role
			return fail(err)
		}
		now := t.Now()
		st, _, err := t.Rows.Tenant(ctx, t.Tenant)
		if err != nil {
			return fail(err)
		}
		k, err := t.activeKey(ctx, key)
		if err != nil {
			return fail(err)
		}
		r, err := build(now, k)
		if err != nil {
			return fail(err)
		}
		r.Now, r.Tenant, r.Key, r.By, r.Action = now, &st, k, c.Principal, c.Command.Name
		e, ev, err := t.Events.Own(ctx, r)
		if err != nil {
			return fail(err)
		}
		done, err := t.Rows.Commit(ctx, e)
		switch {
		case done.Outcome == bunker.Committed && len(done.Replies) == 1:
			_ = c.Recorded(nil) // the entry holds its record
			return ev, done.Replies[0], nil
		case done.Outcome != bunker.Moved:
			return fail(errors.Join(fmt.Errorf("%s: outcome %d", c.Command.Name, done.Outcome), err))
		}
	}
	return fail(bunker.Errorf(bunker.CodeConflict, "too much was changed meanwhile; try again"))
}
