package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

func (f *fixture) due() []bunker.Stored {
	f.t.Helper()
	due, err := f.Due(context.Background(), 100)
	if err != nil {
		f.t.Fatal(err)
	}
	return due
}

func (f *fixture) state(id nostr.ID) bunker.RequestState {
	f.t.Helper()
	state, _, err := f.Request(context.Background(), id)
	if err != nil {
		f.t.Fatal(err)
	}
	return state
}

// delivered notes an OK and waits until it is written.
func (f *fixture) delivered(id nostr.ID) {
	f.t.Helper()
	f.Delivered(id, bunker.PartFinal, "wss://relay.example")
	f.waitFor("delivered", func() bool { return f.state(id) == bunker.RequestDelivered })
}

// deliveredByNumber delivers where the row's number is remembered, where it is forgotten,
// and where it is another row's: only the reply's own request is ever delivered.
func deliveredByNumber(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	known, forgotten, wrong, other := f.entry(c), f.entry(c), f.entry(c), f.entry(c)
	for _, e := range []*bunker.Entry{known, forgotten, wrong, other} {
		f.mustCommit(e)
	}
	b := &f.lazy
	b.mu.Lock()
	if b.numbers[known.EventID] == 0 {
		t.Error("the number of a committed row is not remembered")
	}
	delete(b.numbers, forgotten.EventID)
	b.numbers[wrong.EventID] = b.numbers[other.EventID]
	b.mu.Unlock()

	f.Delivered(wrong.EventID, bunker.PartFinal, "wss://relay.example")
	f.delivered(known.EventID) // in the same group, or a later one
	f.delivered(forgotten.EventID)
	if a, b := f.state(wrong.EventID), f.state(other.EventID); a != bunker.RequestReady || b != bunker.RequestReady {
		t.Errorf("with another row's number: %s, and the other %s", a, b)
	}
	f.delivered(wrong.EventID) // sent again, and found by its id
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.numbers) != 1 || b.numbers[other.EventID] == 0 {
		t.Errorf("%d numbers are remembered of one reply that is under way", len(b.numbers))
	}
}

func TestNumbersOfRowsAreForgotten(t *testing.T) {
	var b lazyBox
	for i := range int64(3 * numbersKept) {
		b.number(random32(), i+1)
		if n := len(b.numbers) + len(b.older); n > numbersKept {
			t.Fatalf("%d numbers are remembered, at most %d are wanted", n, numbersKept)
		}
	}
}

func dueReplies(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	e, sent := f.entry(c), f.entry(c)
	f.mustCommit(e)
	f.mustCommit(sent)
	if due := f.due(); len(due) != 0 {
		t.Errorf("due while the committer publishes: %d", len(due))
	}
	f.delivered(sent.EventID)
	f.clock.add(publishFor)
	due := f.due()
	if len(due) != 1 || due[0].Request() != e.EventID || string(due[0].Reply().Bytes) != string(e.Reply.Bytes) ||
		due[0].Reply().EventID != e.Reply.EventID {
		t.Errorf("%+v", due)
	}
	if due = f.due(); len(due) != 0 {
		t.Error("due twice at once")
	}
	if err := f.RetryNow(context.Background(), bunker.SelfHosted); err != nil {
		t.Fatal(err)
	}
	if due = f.due(); len(due) != 1 {
		t.Errorf("after a relay came back: %d due", len(due))
	}
	f.delivered(e.EventID)
	f.clock.add(time.Hour)
	if due = f.due(); len(due) != 0 {
		t.Errorf("a delivered reply is due: %+v", due)
	}
	f.Delivered(e.EventID, bunker.PartFinal, "wss://second.example") // the first OK counts
	f.Delivered(random32(), bunker.PartFinal, "wss://second.example")
	f.mustCommit(f.entry(c))
	f.expectRows("request WHERE accepted_by = 'wss://relay.example'", 2)
	f.expectRows("request WHERE accepted_by = 'wss://second.example'", 0)
}

func backOffAndGiveUp(t *testing.T, f *fixture) {
	ctx := context.Background()
	c := f.addConnection(f.addKey("herald"))
	e := f.entry(c)
	f.mustCommit(e)
	var gaps []time.Duration
	last := f.clock.Now()
	for f.state(e.EventID) == bunker.RequestReady {
		f.clock.add(time.Second)
		if len(f.due()) > 0 {
			gaps = append(gaps, f.clock.Now().Sub(last))
			last = f.clock.Now()
		}
	}
	want := []time.Duration{10, 1, 2, 4, 8, 16, 32, 60}
	for i, w := range want {
		if i >= len(gaps) || gaps[i] != w*time.Second {
			t.Fatalf("gaps %v, want %v s to begin with", gaps, want)
		}
	}
	if since := f.clock.Now().Sub(start); since < bunker.GiveUp || since > bunker.GiveUp+lastRetry {
		t.Errorf("given up after %s", since)
	}
	if s := f.state(e.EventID); s != bunker.RequestUndeliverable {
		t.Errorf("state %q", s)
	}
	if total, err := f.Totals(ctx); err != nil || total.Undeliverable != 1 || total.Ready != 0 {
		t.Errorf("in all: %+v %v", total, err)
	}
	list, err := f.Undeliverable(ctx, bunker.SelfHosted)
	if err != nil || len(list) != 1 || list[0].Event != e.EventID || list[0].Erased {
		t.Errorf("%+v %v", list, err)
	}
	if ok, err := f.Revive(ctx, e.EventID); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if ok, err := f.Revive(ctx, e.EventID); ok || err != nil {
		t.Errorf("twice: %v, %v", ok, err)
	}
	if due := f.due(); len(due) != 1 || due[0].Reply().EventID != e.Reply.EventID {
		t.Errorf("after it was revived: %+v", due)
	}
	f.reopen() // a restart sends the same bytes
	f.clock.add(publishFor)
	if due := f.due(); len(due) != 1 || string(due[0].Reply().Bytes) != string(e.Reply.Bytes) {
		t.Errorf("after a restart: %+v", due)
	}
}

func authURLs(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	e := park(f.entry(c), f.clock.Now())
	e.Reply = &bunker.Reply{Part: bunker.PartAuthURL, EventID: random32(), Bytes: []byte("auth")}
	if r := f.mustCommit(e); len(r.Replies) != 1 || r.Replies[0].Reply().Part != bunker.PartAuthURL {
		t.Errorf("%+v", r)
	}
	state, replies, err := f.Request(context.Background(), e.EventID)
	if state != bunker.RequestParked || len(replies) != 1 || err != nil {
		t.Errorf("the same event again: %q %+v %v", state, replies, err)
	}
	f.clock.add(publishFor)
	if due := f.due(); len(due) != 1 || due[0].Reply().Part != bunker.PartAuthURL {
		t.Errorf("%+v", due)
	}
	f.Delivered(e.EventID, bunker.PartAuthURL, "wss://relay.example")
	f.waitFor("accepted", func() bool { return f.count("reply WHERE accepted_by <> ''") == 1 })
	f.clock.add(time.Minute)
	if due := f.due(); len(due) != 0 {
		t.Errorf("%+v", due)
	}
	f.mustCommit(f.replay(c, bunker.Parked{EventID: e.EventID}, ""))
	if _, replies, err = f.Request(context.Background(), e.EventID); len(replies) != 2 || err != nil {
		t.Errorf("two parts: %+v %v", replies, err)
	}
}

// pruner prunes, and expects so many rows to go.
func pruner(t *testing.T, f *fixture) func(want int) {
	return func(want int) {
		t.Helper()
		if n, err := f.Prune(context.Background()); n != want || err != nil {
			t.Errorf("pruned %d, want %d; %v", n, want, err)
		}
	}
}

func pruning(t *testing.T, f *fixture) {
	ctx := context.Background()
	c := f.addConnection(f.addKey("herald"))
	prune := pruner(t, f)
	lost, done, parked := f.entry(c), f.entry(c), f.parked(c)
	lost.CreatedAt += int64(bunker.Ahead / time.Second)
	f.mustCommit(lost)
	f.mustCommit(done)
	f.delivered(done.EventID)
	f.clock.add(bunker.Freshness + bunker.Ahead + bunker.PruneMargin)
	f.due() // gives up
	prune(0)
	f.expectRows("reply WHERE bytes IS NULL", 0)
	f.clock.add(time.Second)
	prune(0)
	f.expectRows("reply WHERE bytes IS NULL", 1) // lost is dated later
	f.clock.add(bunker.Ahead)
	prune(0)
	f.expectRows("reply WHERE bytes IS NULL", 2)
	if ok, err := f.Revive(ctx, lost.EventID); ok || err != nil {
		t.Errorf("a reply that was erased was revived: %v, %v", ok, err)
	}
	if s := f.state(done.EventID); s != bunker.RequestDelivered {
		t.Errorf("the row stays: %q", s)
	}
	again := f.entry(c)
	again.EventID, again.CreatedAt = done.EventID, done.CreatedAt
	if r := f.commit(again); r.Outcome != bunker.Stale {
		t.Errorf("the same event, too late: %+v", r)
	}
	f.clock.add(start.Add(bunker.KeepRows - time.Millisecond).Sub(f.clock.Now()))
	prune(0)
	f.clock.add(time.Millisecond)
	prune(2)
	f.expectRows("request", 1)
	f.expectRows("reply", 0)
	if r := f.commit(again); r.Outcome != bunker.Stale {
		t.Errorf("a pruned request is signed anew: %+v", r)
	}
	if s := f.state(parked.EventID); s != bunker.RequestParked {
		t.Errorf("a parked request was pruned: %q", s)
	}
	if n, err := f.ExpireApprovals(ctx); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	f.mustCommit(f.replay(c, bunker.Parked{EventID: parked.EventID}, ""))
	f.clock.add(keepAnswered)
	prune(1) // the question
	// A clock that is behind the ledger, or jumped, prunes nothing.
	for range 3 {
		e := f.entry(c)
		f.mustCommit(e)
		f.delivered(e.EventID)
	}
	f.clock.add(-time.Hour)
	if st := f.Clock(); !st.Suspect || !st.Behind || st.Why == "" {
		t.Errorf("%+v", st)
	}
	prune(0)
	f.expectWhole()
}

// What cannot be judged again is not taken up every two seconds for ever.
func forgettingParked(t *testing.T, f *fixture) {
	ctx := context.Background()
	c := f.addConnection(f.addKey("herald"))
	prune := pruner(t, f)
	f.parked(c)
	open := f.parked(c)
	f.tamper("UPDATE approval SET question_until = question_until + 1000000000000 WHERE event_id = (SELECT event_id FROM request ORDER BY no DESC LIMIT 1)")
	f.clock.add(bunker.KeepRows) // open all the time, as while it is sealed
	prune(0)
	if n, err := f.ExpireApprovals(ctx); n != 1 || err != nil {
		t.Fatalf("%d questions expired, %v", n, err)
	}
	f.clock.add(bunker.KeepRows - time.Millisecond)
	prune(0)
	f.clock.add(time.Millisecond)
	prune(1)
	if s := f.state(open.EventID); s != bunker.RequestParked {
		t.Errorf("one whose question is open was forgotten: %q", s)
	}
	f.expectRows("request", 1)
	f.clock.add(keepAnswered)
	prune(1) // the question
	f.expectRows("approval", 1)
	f.expectWhole()
}

func TestManyRowsArePrunedInOneCall(t *testing.T) {
	f := newFixture(t)
	c := f.addConnection(f.addKey("herald"))
	const n = 2*pruneBatch + 7
	f.commitAll(n, func(int) *bunker.Entry { return f.entry(c) })
	f.tamper("UPDATE request SET state = 'delivered'")
	f.clock.add(bunker.KeepRows)
	if got, err := f.Prune(context.Background()); got != n || err != nil {
		t.Errorf("%d, %v", got, err)
	}
	f.expectRows("request", 0)
}

// another makes a second tenant, set up, with a connection.
func (f *fixture) another(id bunker.TenantID) *bunker.Connection {
	f.t.Helper()
	ctx := context.Background()
	if err := f.createTenant(ctx, id); err != nil {
		f.t.Fatal(err)
	}
	k := &bunker.UserKey{Tenant: id, ID: bunker.NewKeyID(), Name: "theirs", PubKey: random32(), State: bunker.KeyActive, CreatedAt: 1, Ciphertext: []byte("x")}
	c := &bunker.Connection{
		Tenant: id, ID: bunker.NewConnectionID(), Key: k.ID, Signer: random32(), Client: random32(), State: bunker.ConnActive, CreatedAt: 1,
	}
	err := f.Change(ctx, id, local, func(tx *Tx) error {
		st := tx.Tenant()
		st.SetUp = true
		return errors.Join(tx.PutTenant(st), tx.PutKey(k), tx.PutConnection(c), tx.Audit(bunker.AuditRecord{Action: "test"}))
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func dueInTurn(t *testing.T, f *fixture) {
	ctx := context.Background()
	many, one := f.addConnection(f.addKey("herald")), f.another("other")
	commit := func(c *bunker.Connection) {
		f.mustCommit(f.entry(c))
		f.mustCommit(park(f.entry(c), f.clock.Now()))
		f.clock.add(time.Millisecond)
	}
	for range 30 {
		commit(many)
	}
	commit(one)
	f.clock.add(time.Minute) // publishers, and times to reply, are over
	of := map[bunker.TenantID]int{}
	due, err := f.Due(ctx, 10)
	for _, d := range due {
		of[d.Tenant()]++
	}
	if err != nil || len(due) != 10 || of["other"] != 1 {
		t.Errorf("due: %v, %v", of, err)
	}
	clear(of)
	parked, err := f.DueParked(ctx, 10)
	for _, p := range parked {
		of[p.Tenant]++
	}
	if err != nil || len(parked) != 10 || of["other"] != 1 {
		t.Errorf("parked: %v, %v", of, err)
	}
	if due, err = f.Due(ctx, 100); err != nil || len(due) != 21 {
		t.Errorf("the rest: %d, %v", len(due), err)
	}
	f.expectWhole()
}
