package admin

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/guard"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// read collects the requests of the apps under the policy, page by page, and puts
// them in their order.
func (s *simulation) read(ctx context.Context) error {
	f := RecordFilter{Since: int64(s.res.Since), Limit: MaxPage}
	for {
		rows, err := s.t.Rows.Records(ctx, s.t.Tenant, f)
		if err != nil {
			return err
		}
		for i := range rows {
			if s.res.Looked == s.t.simulated {
				s.res.Cut, s.res.Since = true, Time(rows[max(i-1, 0)].Time)
				break
			}
			s.res.Looked++
			if err := s.note(ctx, &rows[i]); err != nil {
				return err
			}
		}
		if s.res.Cut || len(rows) < MaxPage {
			break
		}
		f.Before = rows[len(rows)-1].Seq
	}
	slices.Reverse(s.past)
	return nil
}

// note keeps a record that is a request of an app under the policy.
func (s *simulation) note(ctx context.Context, r *bunker.AuditRecord) error {
	method := nip46.Method(r.Action)
	if r.Connection == "" || r.Effect == "" || !slices.Contains(policy.Judged(), method) || (method == nip46.SignEvent) != (r.Kind != nil) {
		return nil
	}
	id := bunker.ConnectionID(r.Connection)
	app, seen := s.apps[id]
	if !seen {
		var err error
		if app, err = s.app(ctx, id); err != nil {
			return err
		}
		s.apps[id] = app
	}
	if app == nil {
		return nil
	}
	q := simulated{seq: r.Seq, event: r.Event, signed: r.SignedID, app: id, asked: r.Step == "ask", Past: policy.Past{
		Time: r.Time, Method: method, Size: r.Size, Tags: r.Tags, Skew: r.Skew, Result: bunker.DecryptResult(r.Result), Door: bunker.Door(r.Door),
		Relay: r.Relay, Digest: r.Digest, Rule: r.Rule,
	}}
	var err error
	if q.Effect, err = bunker.ParseEffect(r.Effect); err != nil {
		return nil // of no decision
	}
	if r.Kind != nil {
		kind, ok := nostr.ParseKind(strconv.FormatInt(*r.Kind, 10))
		if !ok {
			return nil
		}
		q.Kind, q.Guarded = kind, guard.Guarded(kind) && app.key.GuardShare != guard.Off
	} else if q.Peer, err = nostr.ParsePubKey(r.Peer); err != nil {
		return nil
	}
	q.Version, err = s.decided(ctx, r)
	s.past = append(s.past, q)
	return err
}

// decided is the version of the policy whose rule decided a record; nil where none of
// its rules did.
func (s *simulation) decided(ctx context.Context, r *bunker.AuditRecord) (*policy.Compiled, error) {
	name, _, version, ok := policy.ParseRuleName(r.Rule)
	if !ok {
		return nil, nil
	}
	c, seen := s.then[version]
	if !seen {
		p, err := s.t.Rows.PolicyVersion(ctx, s.t.Tenant, s.old.ID, version)
		if err != nil && !isNotFound(err) {
			return nil, err
		}
		if err == nil {
			c, _ = policy.Compile(p) // one that cannot be decided nothing
		}
		s.then[version] = c
	}
	if c == nil || c.Policy().Name != name || c.Policy().ChangedAt > r.Time {
		return nil, nil // another policy had that name
	}
	return c, nil
}

// app is a connection with what deciding its requests reads; nil where it is not
// under the policy, or over.
func (s *simulation) app(ctx context.Context, id bunker.ConnectionID) (*simulatedApp, error) {
	conn, err := s.t.Rows.Connection(ctx, s.t.Tenant, id)
	if err != nil {
		if isNotFound(err) {
			return nil, nil
		}
		return nil, err
	}
	switch conn.StateAt(s.now) {
	case bunker.ConnActive, bunker.ConnSuspended, bunker.ConnPending:
	default:
		return nil, nil
	}
	view, err := s.t.Rows.View(ctx, s.t.Tenant, conn.Signer, conn.Client)
	if err != nil || view.Connection == nil || view.Key == nil {
		return nil, err
	}
	under := slices.ContainsFunc(view.Grants, func(g bunker.Grant) bool { return g.Policy == s.old.ID && g.Live(s.now) })
	if !under {
		return nil, nil
	}
	var before, after []*policy.Compiled
	for _, at := range view.Policies {
		if at.ID == s.old.ID {
			before, after = append(before, s.both[0]), append(after, s.both[1])
			continue
		}
		c, err := policy.CompileAt(at)
		if err != nil {
			return nil, bunker.Errorf(bunker.CodeConflict, "the policy %s cannot be read any more, so everything is refused: %s", at.Name, clip(err.Error()))
		}
		before, after = append(before, c), append(after, c)
	}
	in := policy.Input{Key: view.Key, Connection: view.Connection, Grants: view.Grants}
	digest := func(d [32]byte) string { return s.t.Vault.DigestText(s.t.Tenant, d[:]) }
	return &simulatedApp{policy.Settle(in, s.now, digest, before, after), view.Key, bunker.Display(conn.Name, MaxName)}, nil
}

// run decides the requests anew, in the order of their time.
func (s *simulation) run(ctx context.Context) error {
	parked := map[string]bool{}
	for i := range s.past {
		q := &s.past[i]
		if parked[q.event] {
			continue // the end of a question that is counted already
		}
		if q.asked {
			parked[q.event] = true
		}
		app := s.apps[q.app]
		out := s.replays.Compare(app.setting, &q.Past)
		if !out.Known && q.open() && s.opened < MaxSimulatedOpened {
			s.opened++
			event, err := s.kept(ctx, app.key, q.signed)
			if err != nil {
				return err
			}
			if event != nil {
				q.Event = event
				out = s.replays.Compare(app.setting, &q.Past)
			}
		}
		s.replays.Take(&out)
		if (s.key == "" || s.key == app.key.ID) && (s.conn == "" || s.conn == q.app) {
			s.count(q, &out)
		}
		if i%MaxPage == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// open reports whether the event may be kept.
func (q *simulated) open() bool {
	return q.Method == nip46.SignEvent && q.signed != "" && guard.Guarded(q.Kind)
}

// kept is what was signed, where it is kept and can be read; else nil.
func (s *simulation) kept(ctx context.Context, k *bunker.UserKey, signed string) (*nostr.Template, error) {
	id, err := nostr.ParseID(signed)
	if err != nil {
		return nil, nil
	}
	rows, err := s.t.Rows.VersionsOf(ctx, s.t.Tenant, k.ID, id, id)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	ev, _, err := s.t.openVersion(&rows[0])
	if errors.Is(err, bunker.ErrTampered) {
		return nil, nil
	}
	if err != nil || ev.ID.String() != signed {
		return nil, err
	}
	return guard.Of(ev), nil
}
