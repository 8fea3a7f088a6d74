package admin

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/guard"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip65"
)

func versionCommands(t *Table) {
	add(t, Command{
		Name: "key.versions", Summary: "Lists the kept versions of a key's profile, lists and other replaceable events, the newest first.",
		Role: bunker.Viewer, Doors: local(), Scope: ofKey(),
	}, t.versionList)
	add(t, Command{
		Name: "key.version.show", Summary: "Shows a kept version whole, and what bringing it back would change.",
		Role: bunker.Viewer, Doors: local(), Scope: ofKey(),
	}, t.versionShow)
	add(t, Command{
		Name: "key.version.restore", Summary: "Brings a kept version back: signs its content anew, dated now, and publishes it on the account's relays.",
		Role: bunker.Operator, Doors: local(), Writes: true, Scope: ofKey(),
	}, t.versionRestore)
}

type versionListParams struct {
	keyParams
	Paging
	Kind *int64 `json:"kind,omitempty" doc:"of this kind only"`
}

type versionListResult struct {
	Versions []versionView `json:"versions"`
	Next     string        `json:"next,omitempty"`
}

type versionView struct {
	Event   string `json:"event" doc:"id of the event"`
	Kind    int64  `json:"kind"`
	D       string `json:"d,omitempty" doc:"the d tag, of kinds that have one"`
	Dated   Time   `json:"dated" doc:"the event's created_at"`
	KeptAt  Time   `json:"kept_at"`
	Current bool   `json:"current" doc:"relays hold this one, as far as is known here"`
	Fetched bool   `json:"fetched,omitempty" doc:"found on a relay, not signed here"`
	App     string `json:"app,omitempty" doc:"that it was signed for; empty for an admin"`
	Entries int    `json:"entries" doc:"tags that list something, and fields of a profile"`
	Size    int    `json:"size" doc:"bytes of the event"`
	Broken  bool   `json:"broken,omitempty" doc:"it cannot be read any more: its stored bytes were changed"`
}

func (t *Table) versionList(ctx context.Context, _ *Call, p versionListParams) (versionListResult, error) {
	res := versionListResult{Versions: []versionView{}}
	page, err := p.page()
	if err != nil {
		return res, err
	}
	k, err := t.key(ctx, p.Key)
	if err != nil {
		return res, err
	}
	vp := VersionPage{Kind: -1, Limit: page.Limit}
	if p.Kind != nil {
		if *p.Kind < 0 || *p.Kind > 1<<16-1 {
			return res, bunker.Errorf(bunker.CodeInvalid, "a kind is a number from 0 to 65535").In("kind")
		}
		vp.Kind = *p.Kind
	}
	if p.After != "" {
		at, id, ok := strings.Cut(p.After, "-")
		vp.Before, err = strconv.ParseInt(at, 10, 64)
		before, bad := nostr.ParseID(id)
		if vp.BeforeID = before; !ok || err != nil || bad != nil {
			return res, bunker.Errorf(bunker.CodeInvalid, "after is not from an answer of this list").In("after")
		}
	}
	rows, err := t.Rows.Versions(ctx, t.Tenant, k.ID, vp)
	if err != nil {
		return res, err
	}
	apps := map[bunker.ConnectionID]string{}
	for i := range rows {
		switch err := t.Rows.VersionBytes(ctx, &rows[i]); {
		case isNotFound(err): // forgotten meanwhile
			continue
		case err != nil:
			return res, err
		}
		v, err := t.viewVersion(ctx, &rows[i], apps)
		if err != nil {
			return res, err
		}
		rows[i].Sealed = nil
		res.Versions = append(res.Versions, v)
	}
	res.Next = next(rows, page, func(v *bunker.KeptVersion) string { return fmt.Sprintf("%d-%s", v.KeptAt, v.EventID) })
	return res, nil
}

// viewVersion shows a version; apps remembers names between rows.
func (t *Table) viewVersion(ctx context.Context, v *bunker.KeptVersion, apps map[bunker.ConnectionID]string) (versionView, error) {
	out := versionView{
		Event: v.EventID.String(), Kind: int64(v.Kind), Dated: Time(v.CreatedAt * 1000), KeptAt: Time(v.KeptAt), Current: v.Current,
		Fetched: v.Source == bunker.KeptFetched,
	}
	if v.Connection != "" {
		label, known := apps[v.Connection]
		if !known {
			conn, err := t.Rows.Connection(ctx, t.Tenant, v.Connection)
			if err != nil && !isNotFound(err) {
				return out, err
			}
			label = string(v.Connection)
			if conn != nil {
				label, _ = appName(conn)
			}
			apps[v.Connection] = label
		}
		out.App = label
	}
	ev, raw, err := t.openVersion(v)
	if errors.Is(err, bunker.ErrTampered) {
		out.Broken = true
		return out, nil
	}
	if err != nil {
		return out, err
	}
	tmpl := guard.Of(ev)
	first := guard.Diff(nil, tmpl)
	out.D, out.Entries, out.Size = bunker.Display(guard.D(tmpl), MaxShown), first.After, len(raw)
	return out, nil
}

// openVersion opens what is kept: the event, and its JSON as it was signed.
func (t *Table) openVersion(v *bunker.KeptVersion) (*nostr.Event, string, error) {
	b, err := t.Vault.OpenVersion(v)
	if err != nil {
		return nil, "", err
	}
	defer secret.Wipe(b)
	ev, err := nostr.ParseEvent(b)
	if err != nil {
		return nil, "", errors.Join(err, bunker.ErrTampered)
	}
	return ev, string(b), nil
}

type versionParams struct {
	keyParams
	Event string `json:"event" doc:"the event's id, or how it begins"`
}

// minEventPrefix is how many hex digits of an event's id name it at least.
const minEventPrefix = 4

// idsOf are the first and the last of the ids that begin with these hex digits.
func idsOf(digits string) (first, last nostr.ID, err error) {
	const whole = 2 * len(nostr.ID{})
	if len(digits) < minEventPrefix || len(digits) > whole {
		return first, last, hex.ErrLength
	}
	if _, err := hex.Decode(first[:], []byte(digits+strings.Repeat("0", whole-len(digits)))); err != nil {
		return first, last, err
	}
	_, err = hex.Decode(last[:], []byte(digits+strings.Repeat("f", whole-len(digits))))
	return first, last, err
}

// version finds the version that is meant, and opens it.
func (t *Table) version(ctx context.Context, k *bunker.UserKey, event string) (*bunker.KeptVersion, *nostr.Event, string, error) {
	first, last, err := idsOf(event)
	if err != nil {
		return nil, nil, "", bunker.Errorf(bunker.CodeInvalid, "an event is named by its id, or by at least its first %d hex digits", minEventPrefix).
			In("event").WithHint("nsecbunker key versions %s", k.Name)
	}
	rows, err := t.Rows.VersionsOf(ctx, t.Tenant, k.ID, first, last)
	if err != nil {
		return nil, nil, "", err
	}
	switch {
	case len(rows) == 0:
		return nil, nil, "", bunker.Errorf(bunker.CodeNotFound, "no version of that event is kept for the key %s", k.Name).
			In("event").WithHint("nsecbunker key versions %s", k.Name)
	case len(rows) > 1 && rows[1].EventID != rows[0].EventID:
		return nil, nil, "", bunker.Errorf(bunker.CodeConflict, "more than one kept event begins with %s; write more digits", clip(event)).In("event")
	}
	v := &rows[0]
	ev, raw, err := t.openVersion(v)
	if errors.Is(err, bunker.ErrTampered) {
		err = bunker.Errorf(bunker.CodeError, "this version cannot be read any more: its stored bytes were changed from outside").In("event").WithCause(err)
	}
	return v, ev, raw, err
}

type versionShowResult struct {
	Version versionView  `json:"version"`
	Changes *changesView `json:"changes" doc:"what bringing it back does to the current version"`
	JSON    string       `json:"event_json" doc:"the event as it was signed"`
}

func (t *Table) versionShow(ctx context.Context, _ *Call, p versionParams) (versionShowResult, error) {
	var res versionShowResult
	k, err := t.key(ctx, p.Key)
	if err != nil {
		return res, err
	}
	v, ev, raw, err := t.version(ctx, k, p.Event)
	if err != nil {
		return res, err
	}
	if res.Version, err = t.viewVersion(ctx, v, map[bunker.ConnectionID]string{}); err != nil {
		return res, err
	}
	_, changes, err := t.against(ctx, v, guard.Of(ev))
	res.Changes, res.JSON = viewChanges(&changes), raw
	return res, err
}

// against compares a template with the current version at the address of v.
func (t *Table) against(ctx context.Context, v *bunker.KeptVersion, tmpl *nostr.Template) (*bunker.KeptVersion, guard.Changes, error) {
	last, err := t.Rows.LastVersion(ctx, t.Tenant, v.Key, v.Kind, v.Address)
	if err != nil || last.Current == nil {
		return nil, guard.Diff(nil, tmpl), err
	}
	ev, _, err := t.openVersion(last.Current)
	if errors.Is(err, bunker.ErrTampered) {
		return last.Current, guard.Diff(nil, tmpl), nil
	}
	if err != nil {
		return nil, guard.Changes{}, err
	}
	c := guard.Diff(guard.Of(ev), tmpl)
	c.Base = last.Current.EventID.String()
	return last.Current, c, nil
}

type versionRestoreParams struct {
	versionParams
	Relays []string `json:"relays,omitempty" doc:"more relays to publish it on"`
}

type versionRestoreResult struct {
	Event   string        `json:"event" doc:"id of the new event"`
	Kind    int64         `json:"kind"`
	Changes *changesView  `json:"changes" doc:"what it did to the version before"`
	Relays  []RelayAnswer `json:"relays" doc:"which took it; it is sent again to the others for ten minutes unless one took it"`
	JSON    string        `json:"event_json"`
	// Warnings say what was left out.
	Warnings []string `json:"warnings,omitempty"`
}

func (t *Table) versionRestore(ctx context.Context, c *Call, p versionRestoreParams) (versionRestoreResult, error) {
	var res versionRestoreResult
	k, err := t.activeKey(ctx, p.Key)
	if err != nil {
		return res, err
	}
	named, err := t.named("relays", p.Relays)
	if err != nil {
		return res, err
	}
	v, ev, _, err := t.version(ctx, k, p.Event)
	if err != nil {
		return res, err
	}
	relays, warnings, err := t.outRelays(ctx, k, ev, named)
	if err != nil {
		return res, err
	}
	var changes guard.Changes
	again, stored, err := t.signOwn(ctx, c, p.Key, func(now time.Time, _ *bunker.UserKey) (signer.OwnRequest, error) {
		tmpl := &nostr.Template{Kind: ev.Kind, Tags: ev.Tags, Content: ev.Content, CreatedAt: now.Unix()}
		current, done, err := t.against(ctx, v, tmpl)
		if changes = done; current != nil { // relays keep the later one
			tmpl.CreatedAt = max(tmpl.CreatedAt, current.CreatedAt+1)
			changes.Older = 0
		}
		return signer.OwnRequest{
			Object: v.EventID.String(), Reason: fmt.Sprintf("a kept version of kind %d was brought back", v.Kind), Template: tmpl, Relays: relays,
		}, err
	})
	if err != nil {
		return res, err
	}
	res = versionRestoreResult{
		Event: again.ID.String(), Kind: int64(again.Kind), Changes: viewChanges(&changes), JSON: string(again.AppendJSON(nil)),
	}
	res.Relays, res.Warnings = t.tell(ctx, stored, warnings)
	return res, nil
}

// outRelays are where an account's own event goes: the relays that it writes to by
// its own list, as it is kept here, or else the bunker's; and those that are named.
func (t *Table) outRelays(ctx context.Context, k *bunker.UserKey, ev *nostr.Event, named []string) (relays, warnings []string, err error) {
	relays = named
	own := t.embedded() // carries envelopes alone
	take := func(urls []string) {
		for _, u := range urls {
			if contains(relays, u) || contains(own, u) {
				continue
			}
			if err := t.Around.CheckRelay(u, false); err != nil {
				warnings = append(warnings, fmt.Sprintf("the relay %s is not used: %s", clip(u), clip(bunker.AsError(err).Words)))
				continue
			}
			relays = append(relays, u)
		}
	}
	list, err := t.ownRelayList(ctx, k)
	if err != nil {
		return nil, nil, err
	}
	if list != nil {
		take(WriteRelays(list))
	}
	if ev.Kind == nip65.Kind {
		take(WriteRelays(ev))
	}
	if len(relays) == len(named) {
		take(t.Around.AppRelays())
	}
	if len(relays) == 0 {
		return nil, nil, bunker.Errorf(bunker.CodeConflict, "there is no relay to publish it on: the account's own list is not known here, and the bunker has no relay outside").
			In("relays").WithHint("add --relay wss://relay.example.com")
	}
	return relays, warnings, nil
}

// embedded are the addresses of the relay that the bunker itself runs.
func (t *Table) embedded() []string {
	var own []string
	for _, r := range t.Around.RelayHealth() {
		if r.State == Embedded {
			own = append(own, r.URL)
		}
	}
	return own
}

// ownRelayList is the account's own list of relays, as it is kept here; nil where
// none is.
func (t *Table) ownRelayList(ctx context.Context, k *bunker.UserKey) (*nostr.Event, error) {
	_, list, err := t.current(ctx, k, nip65.Kind)
	return list, err
}
