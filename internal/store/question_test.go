package store

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nsecbunker/internal/bunker"
)

// parked commits a question of a connection.
func (f *fixture) parked(c *bunker.Connection) *bunker.Entry {
	f.t.Helper()
	e := park(f.entry(c), f.clock.Now())
	f.mustCommit(e)
	return e
}

func (f *fixture) answer(a *bunker.Approval, state bunker.ApprovalState, g *bunker.Grant) error {
	return f.tryChange(func(tx *Tx) error { return tx.AnswerApproval(a.ID, a.OpDigest, state, "local", g) })
}

// once is the grant of a yes to one operation.
func (f *fixture) once(c *bunker.Connection, a *bunker.Approval) *bunker.Grant {
	g := f.newGrant(c, 1)
	g.Permissions, g.OpDigest, g.Approval, g.Answers = "", a.OpDigest, a.ID, a.Answers
	return g
}

// replay is the entry that answers a parked request.
func (f *fixture) replay(c *bunker.Connection, p bunker.Parked, spend bunker.GrantID) *bunker.Entry {
	e := f.entry(c)
	e.EventID, e.From, e.Spend = p.EventID, bunker.RequestParked, spend
	return e
}

func isConflict(err error) bool {
	var e *bunker.Error
	return errors.As(err, &e) && e.Code == bunker.CodeConflict
}

func (f *fixture) dueParked() []bunker.Parked {
	f.t.Helper()
	due, err := f.DueParked(context.Background(), 100)
	if err != nil {
		f.t.Fatal(err)
	}
	return due
}

func answeredOnce(t *testing.T, f *fixture) {
	ctx := context.Background()
	c := f.addConnection(f.addKey("herald"))
	e := f.parked(c)
	a := e.NewApproval
	got, err := f.Approval(ctx, bunker.SelfHosted, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := *a
	want.Batch = a.ID
	if d := cmp.Diff(&want, got, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	if len(f.dueParked()) != 0 {
		t.Error("an open question is due")
	}
	q, err := f.Questions(ctx, bunker.SelfHosted, c.ID, c.Key, a.OpDigest)
	if err != nil || q.OfConnection != 1 || q.OfKey != 0 || q.OfTenant != 0 || q.Same == nil || q.Same.ID != a.ID {
		t.Errorf("%+v %v", q, err)
	}
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs { // two admins, and then some, at once
		wg.Go(func() {
			if i%2 == 0 {
				errs[i] = f.answer(a, bunker.ApprovalApproved, f.once(c, a))
			} else {
				errs[i] = f.answer(a, bunker.ApprovalDenied, nil)
			}
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !isConflict(err) {
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d answers were taken", won)
	}
	if due := f.dueParked(); len(due) != 1 || due[0].EventID != e.EventID || string(due[0].Envelope) != string(e.Envelope) ||
		due[0].Approval.AnsweredBy != "local" {
		t.Errorf("%+v", due)
	}
	for _, state := range []bunker.ApprovalState{bunker.ApprovalPending, bunker.ApprovalExpired, "x"} {
		if err := f.answer(a, state, nil); !isConflict(err) {
			t.Errorf("answered with %q: %v", state, err)
		}
	}
	f.expectWhole()
}

func answerShown(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	a := f.parked(c).NewApproval
	other := *a
	other.OpDigest = random32()
	if err := f.answer(&other, bunker.ApprovalApproved, f.once(c, a)); !isConflict(err) {
		t.Errorf("another digest than shown: %v", err)
	}
	f.expectRows("connection_grant WHERE approval IS NOT NULL", 0)
	f.clock.add(24 * time.Hour)
	if err := f.answer(a, bunker.ApprovalApproved, f.once(c, a)); !isConflict(err) {
		t.Errorf("past its time: %v", err)
	}
	missing := *a
	missing.ID = "nosuch"
	var e *bunker.Error
	if err := f.answer(&missing, bunker.ApprovalDenied, nil); !errors.As(err, &e) || e.Code != bunker.CodeNotFound {
		t.Errorf("no such question: %v", err)
	}
}

func oneOpenQuestion(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	first := f.parked(c)
	same := park(f.entry(c), f.clock.Now())
	same.OpDigest, same.NewApproval.OpDigest = first.OpDigest, first.OpDigest
	if r := f.commit(same); r.Outcome != bunker.Moved {
		t.Errorf("the same question twice: %+v", r)
	}
	taken := park(f.entry(c), f.clock.Now())
	taken.NewApproval.ID = first.NewApproval.ID
	if r := f.commit(taken); r.Outcome != bunker.Moved {
		t.Errorf("a question's id twice: %+v", r)
	}
	f.expectRows("approval", 1)
	f.expectRows("request", 1)
}

func joinedQuestion(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	first := f.parked(c)
	a := first.NewApproval
	f.clock.add(10 * time.Second)
	newer := park(f.entry(c), f.clock.Now())
	newer.OpDigest, newer.NewApproval = first.OpDigest, nil
	newer.JoinApproval, newer.JoinReplyBy = a.ID, f.clock.Now().Add(30*time.Second).UnixMilli()
	f.mustCommit(newer)
	due := f.dueParked()
	if len(due) != 1 || due[0].EventID != first.EventID || due[0].Approval.EventID != newer.EventID {
		t.Fatalf("the older request: %+v", due)
	}
	f.mustCommit(f.replay(c, due[0], "")) // told that it was replaced
	if due = f.dueParked(); len(due) != 0 {
		t.Errorf("%+v", due)
	}
	f.clock.add(25 * time.Second) // past the first reply_by, not the second
	if due = f.dueParked(); len(due) != 0 {
		t.Errorf("the newer request has its own time: %+v", due)
	}
	if err := f.answer(a, bunker.ApprovalApproved, f.once(c, a)); err != nil {
		t.Fatal(err)
	}
	if due = f.dueParked(); len(due) != 1 || due[0].EventID != newer.EventID || due[0].Approval.EventID != newer.EventID {
		t.Errorf("the newer request: %+v", due)
	}
	late := park(f.entry(c), f.clock.Now())
	late.OpDigest, late.NewApproval, late.JoinApproval = first.OpDigest, nil, a.ID
	if r := f.commit(late); r.Outcome != bunker.Moved {
		t.Errorf("joining an answered question: %+v", r)
	}
	other := park(f.entry(c), f.clock.Now())
	f.mustCommit(other)
	wrong := park(f.entry(c), f.clock.Now())
	wrong.NewApproval, wrong.JoinApproval = nil, other.NewApproval.ID
	if r := f.commit(wrong); r.Outcome != bunker.Moved {
		t.Errorf("joining the question about another operation: %+v", r)
	}
	f.expectWhole()
}

func replayOnce(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	e := f.parked(c)
	a := e.NewApproval
	p := bunker.Parked{EventID: e.EventID}
	if r := f.commit(f.replay(c, p, "")); r.Outcome != bunker.Moved {
		t.Errorf("before the answer: %+v", r)
	}
	g := f.once(c, a)
	if err := f.answer(a, bunker.ApprovalApproved, g); err != nil {
		t.Fatal(err)
	}
	outcomes := f.commitAll(8, func(int) *bunker.Entry { return f.replay(c, p, g.ID) })
	if outcomes[bunker.Committed] != 1 || outcomes[bunker.Taken] != 7 {
		t.Errorf("%v", outcomes)
	}
	f.expectRows("request WHERE envelope IS NOT NULL", 0)
	f.expectRows("request WHERE state = 'ready'", 1)
	f.expectRows("audit WHERE step = 'ask' AND event_id IS NOT NULL", 1)
	f.expectRows("audit WHERE step = 'final' AND event_id IS NOT NULL", 1)
	if len(f.dueParked()) != 0 {
		t.Error("an answered request is due")
	}
	if r := f.commit(f.replay(c, bunker.Parked{EventID: random32()}, "")); r.Outcome != bunker.Moved {
		t.Errorf("no such row: %+v", r)
	}
	// Its time to be answered is over, the question stays open: the refusal is
	// sent, and a late yes is a grant for the next try.
	e = f.parked(c)
	f.clock.add(30 * time.Second)
	due := f.dueParked()
	if len(due) != 1 || due[0].Approval.State != bunker.ApprovalPending {
		t.Fatalf("%+v", due)
	}
	f.mustCommit(f.replay(c, due[0], ""))
	if err := f.answer(e.NewApproval, bunker.ApprovalApproved, f.once(c, e.NewApproval)); err != nil {
		t.Errorf("a late yes: %v", err)
	}
	if len(f.dueParked()) != 0 {
		t.Error("an answered request is due after a late yes")
	}
	f.expectWhole()
}

func questionsExpire(t *testing.T, f *fixture) {
	ctx := context.Background()
	c := f.addConnection(f.addKey("herald"))
	e, kept := f.parked(c), f.parked(c)
	if err := f.answer(kept.NewApproval, bunker.ApprovalDenied, nil); err != nil {
		t.Fatal(err)
	}
	f.clock.add(24*time.Hour - time.Millisecond)
	if n, err := f.ExpireApprovals(ctx); n != 0 || err != nil {
		t.Errorf("too early: %d, %v", n, err)
	}
	f.clock.add(time.Millisecond)
	if n, err := f.ExpireApprovals(ctx); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := f.ExpireApprovals(ctx); n != 0 || err != nil {
		t.Errorf("twice: %d, %v", n, err)
	}
	got, err := f.Approval(ctx, bunker.SelfHosted, e.NewApproval.ID)
	if err != nil || got.State != bunker.ApprovalExpired {
		t.Errorf("%+v %v", got, err)
	}
	recs, err := f.Records(ctx, bunker.SelfHosted, RecordFilter{Action: "approval.expire"})
	if err != nil || len(recs) != 1 || recs[0].Object != string(got.ID) || recs[0].Principal != "system" {
		t.Errorf("%+v %v", recs, err)
	}
	list, err := f.Approvals(ctx, bunker.SelfHosted, ApprovalPage{State: bunker.ApprovalExpired})
	if err != nil || len(list) != 1 {
		t.Errorf("%+v %v", list, err)
	}
	list, err = f.Approvals(ctx, bunker.SelfHosted, ApprovalPage{Limit: 1})
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v %v", list, err)
	}
	rest, err := f.Approvals(ctx, bunker.SelfHosted, ApprovalPage{AfterTime: list[0].CreatedAt, After: list[0].ID})
	if err != nil || len(rest) != 1 || rest[0].ID == list[0].ID {
		t.Errorf("the second page: %+v %v", rest, err)
	}
	f.expectWhole()
}

func withdrawing(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	e := f.parked(c)
	once := f.parked(c).NewApproval
	if err := f.answer(once, bunker.ApprovalApproved, f.once(c, once)); err != nil {
		t.Fatal(err)
	}
	never := f.newGrant(c, 0)
	never.Effect, never.Permissions = bunker.Deny, "sign_event:4"
	f.change(func(tx *Tx) error { return tx.PutGrant(never) })
	now := f.view(c).Connection
	now.State = bunker.ConnSuspended
	before := now.Version
	f.change(func(tx *Tx) error { return tx.PutConnection(now) })
	if now.Version != before+1 {
		t.Errorf("version %d after %d", now.Version, before)
	}
	v := f.view(c)
	if len(v.Grants) != 2 || v.Connection.Version != now.Version {
		t.Errorf("what stays is the grant for all and the refusal: %+v", v.Grants)
	}
	if err := f.answer(e.NewApproval, bunker.ApprovalApproved, f.once(c, e.NewApproval)); !isConflict(err) {
		t.Errorf("a yes after the suspension: %v", err)
	}
	due := f.dueParked()
	if len(due) != 2 {
		t.Errorf("%+v", due)
	}
	for _, p := range due {
		if want := map[bool]bunker.ApprovalState{true: bunker.ApprovalWithdrawn, false: bunker.ApprovalApproved}[p.EventID == e.EventID]; p.Approval.State != want {
			t.Errorf("want %s: %+v", want, p)
		}
	}
	f.expectWhole()
}

func logoutWithdraws(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	f.parked(c)
	a := f.parked(c).NewApproval
	if err := f.answer(a, bunker.ApprovalApproved, f.once(c, a)); err != nil {
		t.Fatal(err)
	}
	e := f.entry(c)
	ended := *f.view(c).Connection
	ended.State = bunker.ConnEnded
	ended.Version++
	e.Method, e.UpdateConnection, e.Withdraw = "logout", &ended, c.ID
	f.mustCommit(e)
	v := f.view(c)
	if v.Connection.State != bunker.ConnEnded || len(v.Grants) != 1 {
		t.Errorf("%+v", v)
	}
	f.expectRows("approval WHERE state = 'withdrawn'", 1)
	f.expectWhole()
}

func denialsCounted(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	for range 3 {
		if err := f.answer(f.parked(c).NewApproval, bunker.ApprovalDenied, nil); err != nil {
			t.Fatal(err)
		}
	}
	f.change(func(tx *Tx) error {
		since := f.clock.Now().Add(-10 * time.Minute).UnixMilli()
		n, err := tx.Denials(c.ID, "sign_event", 1, since)
		other, err2 := tx.Denials(c.ID, "sign_event", 2, since)
		later, err3 := tx.Denials(c.ID, "sign_event", 1, tx.Now()+1)
		if n != 3 || other != 0 || later != 0 {
			t.Errorf("%d, %d, %d", n, other, later)
		}
		return errors.Join(err, err2, err3)
	})
	// Strangers' questions are counted apart: connections that nobody let in.
	k := f.addKey("second")
	conn := &bunker.Connection{Tenant: k.Tenant, ID: bunker.NewConnectionID(), Key: k.ID, Signer: random32(), Client: random32(),
		State: bunker.ConnPending, Version: 1}
	st := f.view(c).Tenant
	e := park(&bunker.Entry{
		Tenant: k.Tenant, EventID: random32(), Signer: conn.Signer, Client: conn.Client, Method: "connect", CreatedAt: f.clock.Now().Unix(),
		Connection: conn.ID, NewConnection: conn, Basis: bunker.Basis{Tenant: st.Version, Key: k.ID, KeyVersion: k.Version},
	}, f.clock.Now())
	f.mustCommit(e)
	q, err := f.Questions(context.Background(), k.Tenant, "", k.ID, [32]byte{})
	if err != nil || q.OfConnection != 0 || q.OfKey != 1 || q.OfTenant != 1 || q.Same != nil {
		t.Errorf("%+v %v", q, err)
	}
}
