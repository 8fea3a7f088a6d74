package admin

import (
	"context"
	"slices"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

const (
	// OldRelayFor is how long a removed relay is still heard, for connections that
	// have not switched.
	OldRelayFor = 90 * 24 * time.Hour
	// MaxRelays is how many relays apps are told of: the most that a bunker:// link
	// is read with.
	MaxRelays = nip46.MaxRelays
)

func relayCommands(t *Table) {
	add(t, Command{
		Name: "relay.list", Summary: "Lists the relays that apps use, the bunker's own with them, and the old ones that are still heard.",
		Role: bunker.Viewer, Doors: local(), WhileSealed: true,
	}, t.relayList)
	add(t, Command{
		Name: "relay.add", Summary: "Adds a relay for apps. Connected apps learn of it when they ask (switch_relays).",
		Role: bunker.Owner, Doors: local(), Writes: true,
	}, t.relayAdd)
	add(t, Command{
		Name: "relay.remove", Summary: "Removes a relay. It is still heard for 90 days, or until every connection has switched.",
		Role: bunker.Owner, Doors: local(), Writes: true,
	}, t.relayRemove)
	add(t, Command{
		Name: "relay.purge", Summary: "Stops hearing old relays whose time is over, or that no connection needs.",
		Role: bunker.Owner, Doors: []bunker.Door{bunker.DoorSystem}, Writes: true,
	}, t.relayPurge)
}

type relayView struct {
	URL        string       `json:"url"`
	State      string       `json:"state" doc:"used, old, or own: the relay that the bunker itself runs, which links name"`
	HeardUntil Time         `json:"heard_until,omitzero" doc:"of an old one"`
	Waiting    int          `json:"waiting,omitempty" doc:"connections that have not switched away from it"`
	Health     *RelayHealth `json:"health,omitempty"`
}

type relayListResult struct {
	Relays   []relayView `json:"relays"`
	Warnings []string    `json:"warnings,omitempty"`
}

func (t *Table) relayList(ctx context.Context, _ *Call, _ Empty) (relayListResult, error) {
	res := relayListResult{Relays: []relayView{}}
	rows, err := t.Rows.Relays(ctx, t.Tenant)
	if err != nil {
		return res, err
	}
	health := map[string]RelayHealth{}
	for _, h := range t.Around.RelayHealth() {
		health[h.URL] = h
	}
	for _, r := range rows {
		v := relayView{URL: r.URL, State: "used", HeardUntil: Time(r.HeardUntil)}
		if h, ok := health[r.URL]; ok {
			v.Health = &h
		}
		if r.Old {
			v.State = "old"
			use, err := t.Rows.RelayUsers(ctx, t.Tenant, r.URL)
			if err != nil {
				return res, err
			}
			v.Waiting = use.Named
		}
		res.Relays = append(res.Relays, v)
	}
	app := t.Around.AppRelays()
	for _, u := range app {
		named := slices.ContainsFunc(rows, func(r Relay) bool { return r.URL == u })
		if h := health[u]; h.State == Embedded && !named {
			res.Relays = append(res.Relays, relayView{URL: u, State: "own", Health: &h})
		}
	}
	if loopbackOnly(app) {
		res.Warnings = append(res.Warnings, loopbackWords)
	}
	return res, nil
}

type relayParams struct {
	URL string `json:"url" doc:"wss://…"`
}

type relayResult struct {
	Relay    relayView `json:"relay"`
	Warnings []string  `json:"warnings,omitempty"`
}

// relayURLs checks relays that an owner wants apps to use.
func (t *Table) relayURLs(field string, urls []string) ([]string, error) {
	var out []string
	for _, u := range urls {
		n, err := nip46.NormalizeRelayURL(u)
		if err != nil {
			return nil, bunker.Errorf(bunker.CodeInvalid, "%s", clip(err.Error())).In(field).WithHint("a relay's address is like wss://relay.example.com")
		}
		if err := t.Around.CheckRelay(n, true); err != nil {
			e := bunker.AsError(err)
			return nil, bunker.Errorf(bunker.CodeRestricted, "%s may not be used: %s", clip(n), clip(e.Words)).In(field).WithHint("%s", e.Hint).WithCause(err)
		}
		if !contains(out, n) {
			out = append(out, n)
		}
	}
	if len(out) > MaxRelays {
		return nil, bunker.Errorf(bunker.CodeInvalid, "apps can be told of at most %d relays", MaxRelays).In(field)
	}
	return out, nil
}

func (t *Table) relayAdd(ctx context.Context, c *Call, p relayParams) (relayResult, error) {
	urls, err := t.relayURLs("url", []string{p.URL})
	if err != nil {
		return relayResult{}, err
	}
	u := urls[0]
	err = c.Commit(ctx, &bunker.AuditRecord{Object: u}, func(tx Tx) error {
		relays, err := tx.Relays()
		if err != nil {
			return err
		}
		used := 0
		for _, r := range relays {
			switch {
			case r.Old:
			case r.URL == u:
				return bunker.Errorf(bunker.CodeConflict, "apps use %s already", u).In("url")
			default:
				used++
			}
		}
		if used >= MaxRelays {
			return bunker.Errorf(bunker.CodeConflict, "apps are told of %d relays already, the most that they read", MaxRelays).In("url")
		}
		return tx.PutRelay(Relay{URL: u, AddedAt: tx.Now()})
	})
	if err != nil {
		return relayResult{}, err
	}
	t.Around.Changed()
	return relayResult{Relay: relayView{URL: u, State: "used"}}, nil
}

func (t *Table) relayRemove(ctx context.Context, c *Call, p relayParams) (relayResult, error) {
	u, err := nip46.NormalizeRelayURL(p.URL)
	if err != nil {
		u = p.URL // it may be there all the same
	}
	var old Relay
	err = c.Commit(ctx, &bunker.AuditRecord{Object: clip(u)}, func(tx Tx) error {
		relays, err := tx.Relays()
		if err != nil {
			return err
		}
		for _, r := range relays {
			if r.URL == u && !r.Old {
				old = r
				old.Old, old.HeardUntil = true, tx.Now()+OldRelayFor.Milliseconds()
				return tx.PutRelay(old)
			}
		}
		for _, h := range t.Around.RelayHealth() {
			if h.URL == u && h.State == Embedded {
				return bunker.Errorf(bunker.CodeNotFound, "%s is the relay that the bunker itself runs", clip(u)).In("url").
					WithHint("its addresses are public_url in config.toml; it is left out of links when that is empty and another relay is set")
			}
		}
		return bunker.Errorf(bunker.CodeNotFound, "apps do not use %s", clip(u)).In("url").WithHint("nsecbunker relay list")
	})
	if err != nil {
		return relayResult{}, err
	}
	t.Around.Changed()
	use, err := t.Rows.RelayUsers(ctx, t.Tenant, u)
	res := relayResult{Relay: relayView{URL: u, State: "old", HeardUntil: Time(old.HeardUntil), Waiting: use.Named}}
	if loopbackOnly(t.Around.AppRelays()) {
		res.Warnings = append(res.Warnings, loopbackWords)
	}
	return res, err
}

type relayPurgeResult struct {
	Removed []string `json:"removed"`
}

// relayPurge is called by the bunker's timer. Connections without a list of their
// own follow the bunker's, which an old relay is not in: those may not know yet,
// so only time ends it for them.
func (t *Table) relayPurge(ctx context.Context, c *Call, _ Empty) (relayPurgeResult, error) {
	res := relayPurgeResult{Removed: []string{}}
	if t.Rows.Clock().Suspect {
		return res, c.Recorded(nil)
	}
	rows, err := t.Rows.Relays(ctx, t.Tenant)
	if err != nil {
		return res, err
	}
	var over []string
	for _, r := range rows {
		if !r.Old {
			continue
		}
		use, err := t.Rows.RelayUsers(ctx, t.Tenant, r.URL)
		if err != nil {
			return res, err
		}
		if c.Now.UnixMilli() >= r.HeardUntil || use == (RelayUse{}) {
			over = append(over, r.URL)
		}
	}
	if len(over) == 0 {
		return res, c.Recorded(nil)
	}
	rec := &bunker.AuditRecord{Object: over[0], Count: int64(len(over)), Reason: "old relays are heard no more"}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		for _, u := range over {
			if err := tx.DeleteRelay(u); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return res, err
	}
	t.Around.Changed()
	res.Removed = over
	return res, nil
}
