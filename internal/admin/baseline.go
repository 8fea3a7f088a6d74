package admin

import (
	"context"
	"fmt"
	"slices"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/guard"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip65"
)

func baselineCommands(t *Table) {
	add(t, Command{
		Name: "key.baseline", Summary: "Fetches an account's profile and lists from relays and keeps them, so that the guard can tell what a new version would lose.",
		Role: bunker.Operator, Doors: local(), Writes: true, Scope: ofKey(),
	}, t.keyBaseline)
	add(t, Command{
		Name: "key.guard", Summary: "Sets how much of a profile or list an app may drop before a person is asked.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Scope: ofKey(),
	}, t.keyGuard)
}

type keyBaselineParams struct {
	keyParams
	Relays []string `json:"relays,omitempty" doc:"more relays to ask"`
}

// baselineView is what a fetch found, as it is told.
type baselineView struct {
	Known  bool          `json:"known" doc:"the account's profile, follow list or relay list was found: what is missing besides, there is not"`
	Kinds  []int64       `json:"kinds" doc:"of which a version was found"`
	Kept   int           `json:"kept" doc:"versions that are newer than what was kept"`
	Relays []RelayAnswer `json:"relays"`
}

type keyBaselineResult struct {
	Key      keyView      `json:"key"`
	Baseline baselineView `json:"baseline"`
	Warnings []string     `json:"warnings,omitempty"`
}

func (t *Table) keyBaseline(ctx context.Context, c *Call, p keyBaselineParams) (keyBaselineResult, error) {
	var res keyBaselineResult
	k, err := t.activeKey(ctx, p.Key)
	if err != nil {
		return res, err
	}
	named, err := t.named("relays", p.Relays)
	if err != nil {
		return res, err
	}
	var listed []string
	list, err := t.ownRelayList(ctx, k)
	if err != nil {
		return res, err
	}
	if list != nil {
		listed = WriteRelays(list)
	}
	b := t.Events.Baseline(ctx, k.PubKey, named, listed)
	k, err = t.changeKey(ctx, c, string(k.ID), func(tx Tx, k *bunker.UserKey, rec *bunker.AuditRecord) error {
		kept, err := t.keepBaseline(tx, k, b)
		res.Baseline = viewBaseline(b, kept)
		if res.Baseline.Known && k.Baseline == bunker.BaselineUnknown {
			k.Baseline = bunker.BaselineFetched
		}
		rec.Reason = fmt.Sprintf("key %s: %d versions were found on %d relays, %d of them new", k.Name, len(b.Events), len(b.Relays), kept)
		return err
	})
	if err != nil {
		return keyBaselineResult{}, err
	}
	res.Key, res.Warnings = t.viewKey(k), baselineWarnings(b, k)
	return res, nil
}

// keepBaseline keeps what relays had that is newer than what is kept.
func (t *Table) keepBaseline(tx Tx, k *bunker.UserKey, b Baseline) (kept int, err error) {
	for _, ev := range b.Events {
		at, err := t.Vault.VersionAddress(t.Tenant, k.ID, ev.Kind, guard.D(guard.Of(ev)))
		if err != nil {
			return kept, err
		}
		last, err := tx.LastVersion(k.ID, ev.Kind, at)
		if err != nil {
			return kept, err
		}
		if last.Current != nil && last.Current.CreatedAt >= ev.CreatedAt {
			continue
		}
		v := &bunker.KeptVersion{
			Tenant: t.Tenant, Key: k.ID, Kind: ev.Kind, Address: at, Seq: last.Seq + 1, CreatedAt: ev.CreatedAt, EventID: ev.ID,
			Source: bunker.KeptFetched, KeptAt: tx.Now(), Seen: true,
		}
		if v.Sealed, err = t.Vault.SealVersion(v, ev.AppendJSON(nil)); err != nil {
			return kept, err
		}
		if err := tx.KeepVersion(v); err != nil {
			return kept, err
		}
		kept++
	}
	return kept, nil
}

// known reports that the relays that were asked are the account's: one of the three
// things that every account has was there.
func (b *Baseline) known() bool {
	return slices.ContainsFunc(b.Events, func(ev *nostr.Event) bool { return ev.Kind == 0 || ev.Kind == 3 || ev.Kind == nip65.Kind })
}

func viewBaseline(b Baseline, kept int) baselineView {
	v := baselineView{Known: b.known(), Kinds: []int64{}, Kept: kept, Relays: answers(b.Relays)}
	for _, ev := range b.Events {
		v.Kinds = append(v.Kinds, int64(ev.Kind))
	}
	return v
}

// baselineWarnings say what follows when nothing was found.
func baselineWarnings(b Baseline, k *bunker.UserKey) []string {
	if b.known() || k.Baseline != bunker.BaselineUnknown {
		return nil
	}
	why := "the relays that were asked do not have them"
	if !slices.ContainsFunc(b.Relays, func(a RelayAnswer) bool { return a.OK }) {
		why = "no relay answered"
		if len(b.Relays) == 0 {
			why = "there was no relay to ask"
		}
	}
	return []string{fmt.Sprintf("the account's profile and lists are not known here (%s): the first time that an app saves one, you are asked; "+
		"or fetch them with: nsecbunker key baseline %s --relay wss://…", why, k.Name)}
}

type keyGuardParams struct {
	keyParams
	Share string `json:"share" doc:"percent (1 to 100) of its entries that a new version may drop unasked; default (20), or off"`
}

func (t *Table) keyGuard(ctx context.Context, c *Call, p keyGuardParams) (keyResult, error) {
	share, err := parseShare(p.Share)
	if err != nil {
		return keyResult{}, err
	}
	k, err := t.changeKey(ctx, c, p.Key, func(_ Tx, k *bunker.UserKey, rec *bunker.AuditRecord) error {
		rec.Reason = fmt.Sprintf("key %s: guard %s, was %s", k.Name, shareText(share), shareText(k.GuardShare))
		k.GuardShare = share
		return nil
	})
	if err != nil {
		return keyResult{}, err
	}
	res := keyResult{Key: t.viewKey(k)}
	if share == guard.Off {
		res.Warnings = append(res.Warnings, "apps can now wipe the account's profile, follow list and other lists without anybody being asked; versions are kept all the same")
	}
	return res, nil
}

func parseShare(s string) (int64, error) {
	switch s {
	case "off":
		return guard.Off, nil
	case "default":
		return 0, nil
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || n > guard.MaxShare {
			n = 0
			break
		}
		n = n*10 + int64(s[i]-'0')
	}
	if n < 1 || n > guard.MaxShare || s[0] == '0' {
		return 0, bunker.Errorf(bunker.CodeInvalid, "share is a number of percent from 1 to %d, default, or off", guard.MaxShare).In("share")
	}
	return n, nil
}

// shareText is a key's share as people read and write it.
func shareText(n int64) string {
	switch {
	case n == guard.Off:
		return "off"
	case n == 0:
		return "default"
	}
	return fmt.Sprint(n)
}

func baselineText(b bunker.Baseline) string {
	switch b {
	case bunker.BaselineUnknown:
		return "unknown"
	case bunker.BaselineFetched:
		return "fetched"
	}
	return "empty"
}
