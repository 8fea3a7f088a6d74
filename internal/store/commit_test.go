package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

func commitStores(t *testing.T, f *fixture) {
	ctx := context.Background()
	c := f.addConnection(f.addKey("herald"))
	e := f.entry(c)
	r := f.mustCommit(e)
	if len(r.Replies) != 1 || r.Replies[0].Reply().EventID != e.Reply.EventID || r.Replies[0].Signer() != c.Signer {
		t.Errorf("%+v", r)
	}
	state, replies, err := f.Request(ctx, e.EventID)
	if err != nil || state != bunker.RequestReady || len(replies) != 1 || string(replies[0].Reply().Bytes) != string(e.Reply.Bytes) ||
		replies[0].Client() != c.Client || cmp.Diff(replies[0].Relays(), c.Relays) != "" {
		t.Errorf("%q %+v %v", state, replies, err)
	}
	recs, err := f.Records(ctx, bunker.SelfHosted, RecordFilter{Connection: c.ID, Action: "sign_event", Limit: 1})
	if err != nil || len(recs) != 1 || recs[0].Event != e.EventID.String() || recs[0].Step != "final" || recs[0].Effect != "allow" ||
		recs[0].Incarnation == "" || recs[0].Time != f.clock.Now().UnixMilli() {
		t.Errorf("%+v %v", recs, err)
	}
	if state, replies, err = f.Request(ctx, random32()); state != bunker.RequestNone || replies != nil || err != nil {
		t.Errorf("an unknown event: %q %v %v", state, replies, err)
	}
	f.change(func(tx *Tx) error { return tx.PutSetting("a", "b") }) // something to ride with
	f.waitFor("the connection's use", func() bool {
		got, err := f.Connection(ctx, bunker.SelfHosted, c.ID)
		return err == nil && got.Uses == 1
	})
	// The key's count holds it as soon as its connection's does: uses are written now and then only.
	if keys, err := f.KeyUses(ctx, bunker.SelfHosted); err != nil || len(keys) != 1 || keys[0].Key != c.Key || keys[0].Uses != 1 || keys[0].LastUsed != f.clock.Now().UnixMilli() {
		t.Errorf("%+v %v", keys, err)
	}
}

func sameEventOnce(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	first := f.entry(c)
	const n = 32
	results := make([]bunker.Result, n)
	var wg sync.WaitGroup
	for i := range n {
		e := *first
		e.Reply = &bunker.Reply{Part: bunker.PartFinal, EventID: random32(), Bytes: []byte{byte(i)}}
		wg.Go(func() { results[i] = f.commit(&e) })
	}
	wg.Wait()
	committed, sent := 0, map[nostr.ID]bool{}
	for _, r := range results {
		if r.Outcome == bunker.Committed {
			committed++
		} else if r.Outcome != bunker.Taken || r.State != bunker.RequestReady {
			t.Errorf("%+v", r)
		}
		for _, s := range r.Replies {
			sent[s.Reply().EventID] = true
		}
	}
	if committed != 1 || len(sent) != 1 {
		t.Errorf("%d committed, %d distinct replies", committed, len(sent))
	}
}

func staleRequests(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	for _, x := range []struct {
		off  time.Duration
		off2 bool // ClockOff
		want bunker.Outcome
	}{
		{-bunker.Freshness, false, bunker.Committed}, {-bunker.Freshness - time.Second, false, bunker.Stale},
		{bunker.Ahead, false, bunker.Committed}, {bunker.Ahead + time.Second, false, bunker.Stale},
		{-bunker.NoticeWindow, true, bunker.Committed}, {-bunker.NoticeWindow - time.Second, true, bunker.Stale},
		{bunker.NoticeWindow + time.Second, true, bunker.Stale},
	} {
		e := f.entry(c)
		e.CreatedAt, e.ClockOff = f.clock.Now().Add(x.off).Unix(), x.off2
		if r := f.commit(e); r.Outcome != x.want {
			t.Errorf("%s off (notice %v): outcome %d, %v", x.off, x.off2, r.Outcome, r.Err)
		}
		if state, _, err := f.Request(context.Background(), e.EventID); (state != bunker.RequestNone) != (x.want == bunker.Committed) || err != nil {
			t.Errorf("%s off: state %q, %v", x.off, state, err)
		}
	}
}

func oldVersions(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	for name, touch := range map[string]func(b *bunker.Basis){
		"tenant":             func(b *bunker.Basis) { b.Tenant-- },
		"tenant not read":    func(b *bunker.Basis) { b.Tenant = 0 },
		"connection":         func(b *bunker.Basis) { b.ConnectionVersion-- },
		"connection's next":  func(b *bunker.Basis) { b.ConnectionVersion++ },
		"key":                func(b *bunker.Basis) { b.KeyVersion-- },
		"key that is gone":   func(b *bunker.Basis) { b.Key = "k9" },
		"token that is gone": func(b *bunker.Basis) { b.Token = "t9" },
	} {
		e := f.entry(c)
		e.Basis.Moment = 0 // as of a decision that something may have overtaken
		touch(&e.Basis)
		if r := f.commit(e); r.Outcome != bunker.Moved {
			t.Errorf("%s: outcome %d, %v", name, r.Outcome, r.Err)
		}
		if state, _, _ := f.Request(context.Background(), e.EventID); state != bunker.RequestNone {
			t.Errorf("%s: left a row in %q", name, state)
		}
	}
}

func actsMove(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	for name, act := range map[string]func(tx *Tx, c *bunker.Connection) error{
		"revoke":  func(tx *Tx, c *bunker.Connection) error { c.State = bunker.ConnRevoked; return tx.PutConnection(c) },
		"suspend": func(tx *Tx, c *bunker.Connection) error { c.State = bunker.ConnSuspended; return tx.PutConnection(c) },
		"grant":   func(tx *Tx, c *bunker.Connection) error { return tx.PutGrant(f.newGrant(c, 0)) },
		"withdraw": func(tx *Tx, c *bunker.Connection) error {
			return tx.Withdraw(c.ID)
		},
		"lock and unlock": func(tx *Tx, _ *bunker.Connection) error {
			key, err := tx.Key(string(k.ID))
			if err != nil {
				return err
			}
			key.Locked = true
			if err := tx.PutKey(key); err != nil {
				return err
			}
			key.Locked = false
			return tx.PutKey(key)
		},
		"stop":           func(tx *Tx, _ *bunker.Connection) error { return tx.StopEverything() },
		"tenant's state": func(tx *Tx, _ *bunker.Connection) error { return tx.PutTenant(tx.Tenant()) },
		"bump":           func(tx *Tx, _ *bunker.Connection) error { tx.Bump(); return nil },
	} {
		c := f.addConnection(k)
		e := f.entry(c)
		c = f.view(c).Connection
		f.change(func(tx *Tx) error { return act(tx, c) })
		if r := f.commit(e); r.Outcome != bunker.Moved {
			t.Errorf("%s: outcome %d, %v", name, r.Outcome, r.Err)
		}
	}
}

func budgetExactly(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	g := f.newGrant(c, 10)
	f.change(func(tx *Tx) error { return tx.PutGrant(g) })
	outcomes := f.commitAll(64, func(int) *bunker.Entry {
		e := f.entry(c)
		e.Spend = g.ID
		return e
	})
	if outcomes[bunker.Committed] != 10 || outcomes[bunker.Moved] != 54 {
		t.Errorf("%v", outcomes)
	}
	f.change(func(tx *Tx) error {
		got, err := tx.Grant(g.ID)
		if err == nil && got.Uses != 10 {
			t.Errorf("%d uses", got.Uses)
		}
		return err
	})
	f.expectRows("request", 10)
	f.expectRows("reply", 10)
	f.expectWhole()
}

// commitAll commits n entries at once and counts their outcomes.
func (f *fixture) commitAll(n int, make func(i int) *bunker.Entry) map[bunker.Outcome]int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	outcomes := map[bunker.Outcome]int{}
	entries := []*bunker.Entry{}
	for i := range n {
		entries = append(entries, make(i))
	}
	for _, e := range entries {
		wg.Go(func() {
			r := f.commit(e)
			mu.Lock()
			outcomes[r.Outcome]++
			mu.Unlock()
		})
	}
	wg.Wait()
	return outcomes
}

// connectEntry redeems a token for a new client.
func (f *fixture) connectEntry(tok *bunker.Token) *bunker.Entry {
	f.t.Helper()
	client := nostr.PubKey(random32())
	v, err := f.View(context.Background(), bunker.SelfHosted, tok.Signer, client)
	if err != nil {
		f.t.Fatal(err)
	}
	conn := &bunker.Connection{
		Tenant: tok.Tenant, ID: bunker.NewConnectionID(), Key: tok.Key, Signer: tok.Signer, Client: client, State: bunker.ConnActive,
		Token: tok.ID, CreatedAt: 1, Version: 1,
	}
	spent := *tok
	spent.Uses++
	spent.Version++
	if spent.Uses == spent.MaxUses {
		spent.State = bunker.TokenSpent
	}
	g := f.newGrant(conn, 0)
	g.Version = 1
	return &bunker.Entry{
		Tenant: tok.Tenant, EventID: random32(), Signer: tok.Signer, Client: client, Method: "connect", CreatedAt: f.clock.Now().Unix(),
		To: bunker.RequestReady, Connection: conn.ID, NewConnection: conn, UpdateToken: &spent, NewGrants: []*bunker.Grant{g},
		Basis: bunker.Basis{Tenant: v.Tenant.Version, Token: tok.ID, TokenVersion: tok.Version},
		Audit: bunker.AuditRecord{Principal: "client", Action: "connect", Effect: "allow"},
		Reply: &bunker.Reply{Part: bunker.PartFinal, EventID: random32(), Bytes: []byte("ack")},
	}
}

func tokenExactly(t *testing.T, f *fixture) {
	ctx := context.Background()
	tok, _ := f.addToken(f.addKey("herald"), 3)
	total := 0
	for range 10 { // each round is decided on the token as it is then
		now, err := f.Token(ctx, bunker.SelfHosted, tok.ID)
		if err != nil {
			t.Fatal(err)
		}
		if now.State != bunker.TokenOpen {
			break
		}
		outcomes := f.commitAll(8, func(int) *bunker.Entry { return f.connectEntry(now) })
		if outcomes[bunker.Committed] != 1 || outcomes[bunker.Moved] != 7 {
			t.Errorf("%v", outcomes)
		}
		total += outcomes[bunker.Committed]
	}
	if total != 3 {
		t.Errorf("redeemed %d times", total)
	}
	f.expectRows("connection", 3)
	f.expectRows("connection_grant", 3)
	f.expectRows("request", 3)
	conns, err := f.Connections(ctx, bunker.SelfHosted, "", Page{}) // verified: MACs of rows made in a group
	if err != nil || len(conns) != 3 {
		t.Errorf("%v, %v", conns, err)
	}
	f.expectWhole()
	spent, err := f.Token(ctx, bunker.SelfHosted, tok.ID)
	if err != nil || spent.State != bunker.TokenSpent || spent.Uses != 3 {
		t.Errorf("%+v %v", spent, err)
	}
	if r := f.commit(f.connectEntry(spent)); r.Outcome == bunker.Committed {
		t.Error("a spent token was redeemed")
	}
}

func refusedNoTrace(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	tok, _ := f.addToken(k, 2)
	taken := f.connectEntry(tok)
	f.mustCommit(taken)
	now, err := f.Token(context.Background(), bunker.SelfHosted, tok.ID)
	if err != nil {
		t.Fatal(err)
	}
	before := f.dump()
	again := f.connectEntry(now) // another event of a client that has a connection
	again.Client, again.NewConnection.Client = taken.Client, taken.Client
	expired := f.connectEntry(now)
	expired.UpdateToken.Uses = 9
	doubled := f.connectEntry(now)
	doubled.EventID = taken.EventID
	for name, x := range map[string]struct {
		e    *bunker.Entry
		want bunker.Outcome
	}{"a client that is connected": {again, bunker.Moved}, "a token that cannot be redeemed so": {expired, bunker.Moved}, "an event that has a row": {doubled, bunker.Taken}} {
		if r := f.commit(x.e); r.Outcome != x.want {
			t.Errorf("%s: outcome %d, %v", name, r.Outcome, r.Err)
		}
		if d := cmp.Diff(before, f.dump()); d != "" {
			t.Errorf("%s left a trace: %s", name, d)
		}
	}
}

func badEntryAlone(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	// No rule of the schema can be broken by the last statement of an entry; here
	// is one that can.
	f.tamper("CREATE UNIQUE INDEX reply_event ON reply (reply_event_id)")
	f.afterEdit(f.commit(f.entry(c)))
	first := f.entry(c)
	f.mustCommit(first)
	before := f.count("request")
	outcomes := f.commitAll(20, func(i int) *bunker.Entry {
		e := f.entry(c)
		if i%5 == 0 { // a reply event that answers another request already
			e.Reply.EventID = first.Reply.EventID
		}
		if i%5 == 1 {
			e.Tenant = "nobody"
		}
		return e
	})
	if outcomes[bunker.Committed] != 12 || outcomes[bunker.Failed] != 8 {
		t.Errorf("%v", outcomes)
	}
	f.expectRows("request", before+12)
	f.expectWhole()
}

func anyMethod(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	for _, name := range []string{"sign\x00event", "\x00", "'; DROP TABLE audit; --", "名前", "%", "_", strings.Repeat("x", 64)} {
		e := f.entry(c)
		e.Method, e.Audit.Action = name, name
		f.mustCommit(e)
		recs, err := f.Records(context.Background(), bunker.SelfHosted, RecordFilter{Limit: 1})
		if err != nil || recs[0].Action != name {
			t.Errorf("%q is recorded as %+v, %v", name, recs, err)
		}
	}
	f.expectWhole()
}

func badEntries(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	for name, touch := range map[string]func(e *bunker.Entry){
		"no reply":                func(e *bunker.Entry) { e.Reply = nil },
		"an empty reply":          func(e *bunker.Entry) { e.Reply.Bytes = nil },
		"auth_url as the answer":  func(e *bunker.Entry) { e.Reply.Part = bunker.PartAuthURL },
		"to delivered":            func(e *bunker.Entry) { e.To = bunker.RequestDelivered },
		"from ready":              func(e *bunker.Entry) { e.From = bunker.RequestReady },
		"parked without question": func(e *bunker.Entry) { e.To, e.Reply, e.Envelope = bunker.RequestParked, nil, []byte("x") },
		"parked with an answer": func(e *bunker.Entry) {
			park(e, time.Time{}).Reply = &bunker.Reply{Part: bunker.PartFinal, Bytes: []byte("x")}
		},
		"ready with a question": func(e *bunker.Entry) { e.JoinApproval = "a" },
		"connection not read":   func(e *bunker.Entry) { e.Basis.Connection = "" },
		"a version skipped":     func(e *bunker.Entry) { e.UpdateConnection = &bunker.Connection{Version: 9} },
		"a token not read":      func(e *bunker.Entry) { e.UpdateToken = &bunker.Token{ID: "t9", Version: 1} },
	} {
		e := f.entry(c)
		touch(e)
		if r := f.commit(e); r.Outcome != bunker.Failed || r.Err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	f.expectRows("request", 0)
}

// revocationOrder is promise 4 at the store: whatever is decided while a
// connection is revoked, no allow has a higher number than the revocation.
func revocationOrder(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	for range 20 {
		c := f.addConnection(k)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					v, err := f.View(context.Background(), c.Tenant, c.Signer, c.Client)
					if err != nil || v.Connection.State != bunker.ConnActive {
						return
					}
					f.commit(entryOf(v, f.clock.Now()))
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		f.waitFor("a first request", func() bool { return f.count("request WHERE connection = '"+string(c.ID)+"'") > 0 })
		err := f.Change(context.Background(), bunker.SelfHosted, local, func(tx *Tx) error {
			now, err := tx.Connection(c.ID)
			if err != nil {
				return err
			}
			now.State = bunker.ConnRevoked
			return errors.Join(tx.PutConnection(now), tx.Audit(bunker.AuditRecord{Action: "connection.revoke", Connection: string(c.ID)}))
		})
		if err != nil {
			t.Fatal(err)
		}
		close(stop)
		wg.Wait()
		recs, err := f.Records(context.Background(), bunker.SelfHosted, RecordFilter{Connection: c.ID, Limit: 1})
		if err != nil || len(recs) != 1 || recs[0].Action != "connection.revoke" {
			t.Fatalf("after the revocation: %+v, %v", recs, err)
		}
	}
	f.expectWhole()
}

func sealedCommit(t *testing.T, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	f.auth.sealed.Store(true)
	e := f.entry(c)
	e.Audit.Effect = "deny"
	f.mustCommit(e)
	withRow := f.entry(c)
	withRow.NewGrants = []*bunker.Grant{f.newGrant(c, 1)}
	if r := f.commit(withRow); r.Outcome != bunker.Failed || !Sealed(r.Err) {
		t.Errorf("a row of authority while sealed: %+v", r)
	}
}

func TestCommitEndsWithItsContextOrTheStore(t *testing.T) {
	f := newFixture(t)
	c := f.addConnection(f.addKey("herald"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e := f.entry(c)
	if r, err := f.Commit(ctx, e); r.Outcome == bunker.Committed && err != nil {
		t.Errorf("%+v, %v", r, err)
	}
	entries := make([]*bunker.Entry, 50)
	for i := range entries {
		entries[i] = f.entry(c)
	}
	var wg sync.WaitGroup
	results := make([]bunker.Result, len(entries))
	for i, e := range entries {
		wg.Go(func() { results[i] = f.commit(e) })
	}
	f.stop()
	wg.Wait() // nobody is left waiting
	f.open()
	for i, r := range results {
		state, _, err := f.Request(context.Background(), entries[i].EventID)
		if err != nil || (r.Outcome == bunker.Committed) != (state == bunker.RequestReady) {
			t.Errorf("outcome %d (%v), state %q, %v", r.Outcome, r.Err, state, err)
		}
	}
	f.mustCommit(f.entry(c)) // the first Run has begun
	if err := f.Run(ctx); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a second Run: %v", err)
	}
}

func (f *fixture) expectRows(table string, want int) {
	f.t.Helper()
	if n := f.count(table); n != want {
		f.t.Errorf("%s: %d rows, want %d", table, n, want)
	}
}

func (f *fixture) count(from string) (n int) {
	f.t.Helper()
	if err := f.read.QueryRowContext(context.Background(), "SELECT count(*) FROM "+from).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// expectWhole verifies the chain and every row.
func (f *fixture) expectWhole() {
	f.t.Helper()
	found, err := f.Check(context.Background(), bunker.SelfHosted)
	if err != nil || !found.Sound() {
		f.t.Errorf("the store is not sound: %+v, %v", found, err)
	}
}

// dump is every row of the tables that a request writes, as text.
func (f *fixture) dump() (out []string) {
	f.t.Helper()
	defer func() { slices.Sort(out) }() // in whatever order they lie
	for _, table := range []string{"tenant_head", "request", "reply", "audit", "approval", "connection", "connection_grant", "token"} {
		rows, err := f.read.QueryContext(context.Background(), "SELECT * FROM "+table)
		if err != nil {
			f.t.Fatal(err)
		}
		cols, err := rows.Columns()
		if err != nil {
			f.t.Fatal(err)
		}
		for rows.Next() {
			vals := make([]any, len(cols))
			for i := range vals {
				vals[i] = new(any)
			}
			if err := rows.Scan(vals...); err != nil {
				f.t.Fatal(err)
			}
			line := table
			for i, v := range vals {
				switch cols[i] {
				case "ledger_time", "uses", "last_used", "publish_until", "publisher":
				default:
					line += fmt.Sprintf(" %s=%v", cols[i], *v.(*any))
				}
			}
			out = append(out, line)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			f.t.Fatal(err)
		}
	}
	return out
}

// patience only ends a test that hangs.
const patience = 2 * time.Minute

// waitFor waits for something that another goroutine does.
func (f *fixture) waitFor(what string, done func() bool) {
	f.t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("%s did not come", what)
		}
	}
}
