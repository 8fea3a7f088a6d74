package signer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/guard"
	"nsecbunker/internal/policy"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// Versions is what the guard compares with.
type Versions interface {
	LastVersion(ctx context.Context, t bunker.TenantID, k bunker.KeyID, kind nostr.Kind, at bunker.Address) (bunker.LastVersion, error)
	// SeenVersion returns from which version on losses in small steps are counted.
	SeenVersion(ctx context.Context, t bunker.TenantID, k bunker.KeyID, kind nostr.Kind, at bunker.Address, since int64) (*bunker.KeptVersion, error)
	// Approval returns a question, for what it showed.
	Approval(ctx context.Context, t bunker.TenantID, id bunker.ApprovalID) (*bunker.Approval, error)
}

// guarded is what the guard knows of one replaceable event that is to be signed.
type guarded struct {
	at   bunker.Address
	last bunker.LastVersion
	// changes against the version before; finding is why a person must be asked, in
	// words, or "".
	changes guard.Changes
	finding string
}

// guard compares what is to be signed with the version before; nil for what takes
// no other's place. It costs one lookup, and opening and reading that version; where
// entries go, the same again for the small steps.
func (s *Signer) guard(ctx context.Context, k *bunker.UserKey, op *policy.Operation, now time.Time) (*guarded, error) {
	if op.Method != nip46.SignEvent || !guard.Guarded(op.Template.Kind) {
		return nil, nil
	}
	t := op.Template
	at, err := s.Vault.VersionAddress(s.Tenant, k.ID, t.Kind, guard.D(t))
	if err != nil {
		return nil, err
	}
	g := &guarded{at: at}
	if g.last, err = s.Store.LastVersion(ctx, s.Tenant, k.ID, t.Kind, at); err != nil {
		return nil, err
	}
	before, err := s.openVersion(g.last.Current)
	switch {
	case errors.Is(err, bunker.ErrTampered):
		g.changes = guard.Diff(nil, t)
		g.finding = guard.Unreadable
	case err != nil:
		return nil, err
	default:
		g.changes = guard.Diff(before, t)
		g.finding = g.changes.Finding(int(k.GuardShare))
		if g.finding == "" && g.changes.Less() && k.GuardShare != guard.Off {
			if g.finding, err = s.steps(ctx, k, g, t, now); err != nil {
				return nil, err
			}
		}
	}
	if g.last.Current != nil {
		g.changes.Base = g.last.Current.EventID.String()
	} else if unknownBefore(k, t.Kind) {
		g.finding = guard.Unknown
	}
	if k.GuardShare == guard.Off {
		g.finding = ""
	}
	return g, nil
}

// steps adds up what was lost little by little since a person has seen the list, or
// for guard.StepsFor.
func (s *Signer) steps(ctx context.Context, k *bunker.UserKey, g *guarded, t *nostr.Template, now time.Time) (string, error) {
	v, err := s.Store.SeenVersion(ctx, s.Tenant, k.ID, t.Kind, g.at, now.Add(-guard.StepsFor).UnixMilli())
	if err != nil || v == nil || v.Seq == g.last.Current.Seq {
		return "", err
	}
	then, err := s.openVersion(v)
	if errors.Is(err, bunker.ErrTampered) {
		return guard.Unreadable, nil
	}
	if err != nil {
		return "", err
	}
	d := guard.Diff(then, t)
	return d.Steps(int(k.GuardShare), now.Sub(time.UnixMilli(v.KeptAt))), nil
}

// unknownBefore reports a kind of which nothing is kept though there may be a
// version: the key was brought along, and this kind was not fetched.
func unknownBefore(k *bunker.UserKey, kind nostr.Kind) bool {
	switch k.Baseline {
	case bunker.BaselineEmpty:
		return false
	case bunker.BaselineFetched:
		return guard.AsksUnknown(kind) && !guard.Fetched(kind)
	}
	return guard.AsksUnknown(kind)
}

// openVersion returns what a kept version says; nil for none.
func (s *Signer) openVersion(v *bunker.KeptVersion) (*nostr.Template, error) {
	if v == nil {
		return nil, nil
	}
	b, err := s.Vault.OpenVersion(v)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(b)
	ev, err := nostr.ParseEvent(b)
	if err != nil {
		return nil, errors.Join(err, bunker.ErrTampered)
	}
	return guard.Of(ev), nil
}

// shown takes away the answers to the guard that were given when another version
// was the last one: what a person saw then is not what would be lost now.
func (s *Signer) shown(ctx context.Context, g *guarded, in *policy.Input) error {
	var live []bunker.Grant
	digest := in.Operation.Digest()
	for _, gr := range in.Grants {
		if gr.Approval == "" || !slices.Contains(strings.Split(gr.Answers, ","), policy.AnswersGuard) || gr.OpDigest != digest {
			live = append(live, gr)
			continue
		}
		q, err := s.Store.Approval(ctx, s.Tenant, gr.Approval)
		if err != nil && bunker.AsError(err).Code != bunker.CodeNotFound {
			return err
		}
		if err == nil && s.shownBase(q) == g.changes.Base {
			live = append(live, gr)
		}
	}
	in.Grants = live
	return nil
}

// shownBase is the version that a question was compared with; "none of them" when
// that cannot be told.
func (s *Signer) shownBase(q *bunker.Approval) string {
	v, err := s.openSummary(q)
	if err != nil || v.Changes == nil {
		return "none of them"
	}
	return v.Changes.Base
}

// keep has the commit keep what was signed, unless it is the last version already.
// A signature that the guard found something about was agreed to by a person.
func (s *Signer) keep(c *call, e *bunker.Entry, g *guarded, id nostr.ID, t *nostr.Template, event []byte) error {
	if g == nil || g.last.Current != nil && g.last.Current.EventID == id {
		return nil
	}
	v := &bunker.KeptVersion{
		Tenant: s.Tenant, Key: c.view.Key.ID, Kind: t.Kind, Address: g.at, Seq: g.last.Seq + 1, CreatedAt: t.CreatedAt, EventID: id,
		Source: bunker.KeptSigned, Connection: e.Connection, KeptAt: c.Now.UnixMilli(),
		Seen: g.finding != "" || e.Connection == "",
	}
	var err error
	if v.Sealed, err = s.Vault.SealVersion(v, event); err != nil {
		return err
	}
	e.Keep = v
	return nil
}
