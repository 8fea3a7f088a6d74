package store

import (
	"context"
	"errors"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// apply runs one entry's statements. Unless it ends in Committed, the entry
// leaves no trace in the transaction. An error that is not ofEntry ends the
// group.
func (g *group) apply(w *waiting, h *head) (bunker.Outcome, error) {
	e := w.e
	if e.From == bunker.RequestNone {
		if e.ClockOff && !bunker.Noticeable(e.CreatedAt, h.LedgerTime) || !e.ClockOff && !bunker.Fresh(e.CreatedAt, h.LedgerTime) {
			return bunker.Stale, nil
		}
	}
	if e.Basis.Tenant != h.Version || e.Basis.Standing != h.Standing {
		return bunker.Moved, nil
	}
	if h.pending != "" && e.Audit.Effect == bunker.Allow.String() {
		return bunker.Moved, nil // ordered since it was decided: nothing is allowed before ApplyPending
	}
	save := g.careful || undoable(e)
	if save {
		if _, err := g.s.exec(stmtSave); err != nil {
			return bunker.Failed, err
		}
	}
	seq, chain, uses := h.ChainSeq, h.ChainHead, len(g.spent.trail)
	out, err := g.write(w, h, save)
	if err != nil && !save && ofEntry(err) {
		return bunker.Failed, errCareful
	}
	if err != nil && !ofEntry(err) {
		return bunker.Failed, err
	}
	if err != nil {
		out = bunker.Failed
	}
	if out != bunker.Committed {
		h.ChainSeq, h.ChainHead = seq, chain
		g.spent.undo(uses)
	}
	if !save {
		return out, err
	}
	if out != bunker.Committed {
		if _, e := g.s.exec(stmtUndo); e != nil {
			return bunker.Failed, e
		}
	}
	if _, e := g.s.exec(stmtRelease); e != nil {
		return bunker.Failed, e
	}
	return out, err
}

// undoable reports whether an entry can be refused after its first statement,
// and so needs a savepoint. Most requests write their row, their record and
// their reply only: the first statement refuses them or nothing does. Budgets are
// read before they are charged, so a charge is refused in a race only: then the
// group is made anew with savepoints.
func undoable(e *bunker.Entry) bool {
	return e.NewConnection != nil || e.UpdateConnection != nil || e.UpdateToken != nil || len(e.NewGrants) > 0 || e.Spend != "" ||
		e.NewApproval != nil || e.JoinApproval != "" || e.Withdraw != "" || e.Keep != nil || e.Seat
}

// ofEntry reports whether an error is one entry's own fault, not the store's.
func ofEntry(err error) bool {
	var known *bunker.Error
	if errors.As(err, &known) || errors.Is(err, bunker.ErrTampered) {
		return true
	}
	t := troubleOf(err)
	return t == duplicate || t == constraint
}

func (g *group) write(w *waiting, h *head, saved bool) (bunker.Outcome, error) {
	no, out, err := g.claim(w.e, h)
	if out != bunker.Committed || err != nil {
		return out, err
	}
	w.no = no
	if changesRows(w.e) { // for those behind it in the group, too, the moment has passed
		g.touch(viewKey{w.e.Signer, w.e.Client})
	}
	for _, step := range []func(*waiting, *head) (bool, error){g.redeem, g.connect, g.grant, g.charge, g.seat, g.ask, g.keep} {
		ok, err := step(w, h)
		if err != nil {
			return bunker.Failed, err
		}
		if !ok && !saved {
			return bunker.Failed, errCareful
		}
		if !ok {
			return bunker.Moved, nil
		}
	}
	return bunker.Committed, g.record(w.e, h, no)
}

// touch forgets a view whose rows change with the group, now and when they have.
func (g *group) touch(k viewKey) {
	g.touched = append(g.touched, k)
	g.s.views.drop(k)
}

// claim writes the request's row, or takes it from parked to ready, if what the
// decision read still holds. It returns the row's number.
func (g *group) claim(e *bunker.Entry, h *head) (no int64, _ bunker.Outcome, err error) {
	now := h.LedgerTime
	until := now + publishFor.Milliseconds()
	if e.Unattended {
		until = now
	}
	if e.From == bunker.RequestParked {
		_, err = g.s.returned(stmtReplay, &no, listText(e.Relays), e.Basis.Tenant, e.Basis.ConnectionVersion, e.Basis.KeyVersion, g.s.instance, until,
			now, e.EventID[:], string(e.Tenant), string(e.Basis.Connection), string(e.Basis.Key))
	} else {
		no, err = g.insert(e, now, until)
	}
	if no != 0 || err != nil {
		return no, bunker.Committed, err
	}
	state, err := g.s.requestState(e.EventID)
	switch {
	case err != nil:
		return 0, bunker.Failed, err
	case state == bunker.RequestNone, state == bunker.RequestParked && e.From == bunker.RequestParked:
		return 0, bunker.Moved, nil
	}
	return 0, bunker.Taken, nil
}

// insert writes the row of a request that has none, if what was read holds: what
// was read at this very moment does, else the statement compares.
func (g *group) insert(e *bunker.Entry, now, until int64) (int64, error) {
	b := &e.Basis
	current := b.Moment != 0 && b.Moment == g.s.views.now()
	if current && e.To == bunker.RequestReady && b.Token == "" {
		return g.s.inserted(stmtReady, e.EventID[:], string(e.Tenant), e.Signer[:], e.Client[:], string(e.Connection), plain(e.Method), e.OpDigest[:],
			e.CreatedAt, listText(e.Relays), b.Tenant, b.ConnectionVersion, b.KeyVersion, g.s.instance, until, now, now)
	}
	question := e.JoinApproval
	if e.NewApproval != nil {
		question = e.NewApproval.ID
	}
	var envelope []byte
	link := ""
	if e.To == bunker.RequestParked {
		envelope, link = e.Envelope, e.Link
	}
	return g.s.inserted(stmtRequest, e.EventID[:], string(e.Tenant), e.Signer[:], e.Client[:], string(e.Connection), plain(e.Method), e.OpDigest[:],
		e.CreatedAt, string(e.To), envelope, listText(e.Relays), string(question), b.Tenant, b.ConnectionVersion, b.KeyVersion,
		g.s.instance, until, now, string(b.Connection), string(b.Key), string(b.Token), b.TokenVersion, link)
}

// requestState reads a row's state on the write handle; RequestNone for none.
func (s *Store) requestState(id nostr.ID) (bunker.RequestState, error) {
	var state bunker.RequestState
	err := s.write.QueryRowContext(context.Background(), `SELECT state FROM request WHERE event_id = $1`, id[:]).Scan((*string)(&state))
	if isNone(err) {
		return bunker.RequestNone, nil
	}
	return state, err
}

func (g *group) redeem(w *waiting, h *head) (bool, error) {
	t := w.e.UpdateToken
	if t == nil {
		return true, nil
	}
	return g.s.did(stmtToken, t.Uses, string(t.State), t.Version, w.macs.token, string(t.Tenant), string(t.ID), t.Version-1, h.LedgerTime)
}

func (g *group) connect(w *waiting, _ *head) (bool, error) {
	e := w.e
	if c := e.NewConnection; c != nil {
		ok, err := g.s.did(stmtConnection, connectionArgs(c, w.macs.created)...)
		if !ok || err != nil {
			return false, err
		}
	}
	if c := e.UpdateConnection; c != nil {
		ok, err := g.s.did(stmtConnectionUpdate, string(c.State), string(c.Token), c.Name, c.Person, listText(c.Relays), c.ExpiresAt, c.Version,
			w.macs.updated, metadataText(&c.Metadata), string(c.Tenant), string(c.ID), c.Version-1, c.ResumeAt,
			listText(c.SwitchTo))
		if !ok || err != nil {
			return false, err
		}
	}
	if m := e.Metadata; m != nil && e.Connection != "" {
		if _, err := g.s.exec(stmtMetadata, metadataText(m), string(e.Tenant), string(e.Connection)); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (g *group) grant(w *waiting, h *head) (bool, error) {
	e := w.e
	if e.UpdateToken != nil && e.UpdateConnection != nil {
		// A link brings an ended connection back with what the link gives, not with
		// what an older one gave. Refusals stay.
		err := g.s.endGrants(context.Background(), faulty{g.s.write, g.s.faults}, h, e.UpdateConnection.ID,
			func(gr *bunker.Grant) bool { return gr.Effect == bunker.Allow })
		if err != nil {
			return false, err
		}
	}
	for i, gr := range e.NewGrants {
		if _, err := g.s.exec(stmtGrant, grantArgs(gr, w.macs.grants[i])...); err != nil {
			return false, err
		}
	}
	if e.Withdraw != "" {
		if err := g.s.withdraw(context.Background(), faulty{g.s.write, g.s.faults}, h, e.Withdraw, h.LedgerTime); err != nil {
			return false, err
		}
	}
	if e.Spend == "" {
		return true, nil
	}
	for _, id := range append([]bunker.GrantID{e.Spend}, e.SpendAlso...) {
		ok, err := g.s.did(stmtSpend, string(e.Tenant), string(id), string(e.Connection), h.LedgerTime)
		if !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (g *group) ask(w *waiting, h *head) (bool, error) {
	e := w.e
	if a := e.NewApproval; a != nil {
		var open int64
		if e.MaxQuestions > 0 {
			if _, err := g.s.returned(stmtOpen, &open, string(a.Tenant), string(a.Connection)); err != nil || open >= int64(e.MaxQuestions) {
				return false, err
			}
		}
		if e.MaxKnocks > 0 {
			var ofKey, all int64
			err := g.s.stmts[stmtKnocks].QueryRowContext(context.Background(), string(a.Tenant), string(a.Key)).Scan(&ofKey, &all)
			// Its own connection is there already, and has no question yet.
			if err != nil || ofKey >= int64(e.MaxKnocksKey) || all >= int64(e.MaxKnocks) {
				return false, err
			}
		}
		return g.s.did(stmtApproval, string(a.Tenant), string(a.ID), a.EventID[:], string(a.Connection), string(a.Key), a.Method, a.Kind,
			a.OpDigest[:], blob(a.Summary), a.Answers, num(a.OnceOnly), a.ReplyBy, a.QuestionUntil, string(a.State), a.AnsweredBy,
			a.AnsweredAt, a.CreatedAt, a.CreatedAt-e.Burst)
	}
	if e.JoinApproval == "" {
		return true, nil
	}
	return g.s.did(stmtJoin, e.EventID[:], e.JoinReplyBy, string(e.Tenant), string(e.JoinApproval), string(e.Connection), h.LedgerTime,
		e.OpDigest[:])
}

// record appends the audit record and stores the reply of request no: the last
// statements, so that what is in the chain is committed.
func (g *group) record(e *bunker.Entry, h *head, no int64) error {
	r := e.Audit
	if r.Event == "" {
		r.Event = e.EventID.String()
	}
	if r.Step == "" {
		r.Step = "final"
		if e.To == bunker.RequestParked {
			r.Step = "ask"
		}
	}
	body, args := appendAudit(g.body[:0], h, &r, h.LedgerTime, e.CreatedAt, e.EventID[:])
	g.body = body // the drivers copy what they are given
	if _, err := g.s.exec(stmtAudit, args...); err != nil {
		return err
	}
	if e.Reply == nil {
		return nil
	}
	_, err := g.s.exec(stmtReply, replyNo(no, e.Reply.Part), string(e.Tenant), string(e.Reply.Part), e.Reply.EventID[:], e.Reply.Bytes,
		num(e.Reply.Sealed), h.LedgerTime)
	return err
}
