package store

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
)

// cpu is the processor time of this process in ns: on a busy machine it says
// more than the clock does.
func cpu(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func BenchmarkView(b *testing.B) { benchmarkView(b, newFixture(b)) }

// BenchmarkViewOnPostgreSQL reads every row each time: nothing is kept there.
func BenchmarkViewOnPostgreSQL(b *testing.B) { benchmarkView(b, newPostgresFixture(b)) }

func benchmarkView(b *testing.B, f *fixture) {
	c := f.addConnection(f.addKey("herald"))
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		if _, err := f.View(context.Background(), c.Tenant, c.Signer, c.Client); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
}

// BenchmarkCommit commits groups of 64; the figure is for one request.
func BenchmarkCommit(b *testing.B) { benchmarkCommit(b, newFixture(b)) }

// BenchmarkCommitOnPostgreSQL is without the server's own time.
func BenchmarkCommitOnPostgreSQL(b *testing.B) { benchmarkCommit(b, newPostgresFixture(b)) }

func benchmarkCommit(b *testing.B, f *fixture) {
	f.stop()
	s, err := Open(context.Background(), f.cfg) // without Run: groups are made by hand
	if err != nil {
		b.Fatal(err)
	}
	f.Store, f.stop = s, func() { s.Close() }
	c := f.addConnection(f.addKey("herald"))
	v := f.view(c)
	b.ReportAllocs()
	var used int64
	for b.Loop() {
		b.StopTimer()
		f.clock.add(20 * time.Millisecond) // some 3,000 requests a second
		ws := make([]*waiting, 64)
		for i := range ws {
			ws[i] = &waiting{ctx: context.Background(), e: entryOf(v, f.clock.Now()), done: make(chan bunker.Result, 1)}
		}
		b.StartTimer()
		before := cpu(b)
		f.commitGroup(ws, false)
		used += cpu(b) - before
		b.StopTimer()
		for _, w := range ws {
			if r := <-w.done; r.Outcome != bunker.Committed {
				b.Fatalf("%+v", r)
			}
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(used)/float64(b.N)/64, "cpu-ns/request")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/request")
}

// BenchmarkRequest is all that a request under policies costs here: its view, the
// decision, and its share of a commit with the record, of 10,000 connections that
// are under 100 rules each, one of them with a budget; in groups of 64. "shared" has
// 100 policies of 100 connections, "own" one policy for each connection, all of one
// template's rules, "different" one policy for each of rules of its own (kept
// packed, of which few are ready), "none" a permission in their place, to compare with. A connection's first
// request of the day, which makes its window, is as much in it as later ones.
func BenchmarkRequest(b *testing.B) {
	b.Run("none", func(b *testing.B) { benchmarkRequest(b, 10_000, 0, true) })
	b.Run("shared", func(b *testing.B) { benchmarkRequest(b, 10_000, 100, true) })
	b.Run("own", func(b *testing.B) { benchmarkRequest(b, 10_000, 10_000, true) })
	b.Run("different", func(b *testing.B) { benchmarkRequest(b, 10_000, 10_000, false) })
}

func benchmarkRequest(b *testing.B, connections, policies int, alike bool) {
	f := newFixture(b)
	conns := f.many(connections, policies, alike)
	f.stop()
	s, err := Open(context.Background(), f.cfg) // without Run: groups are made by hand
	if err != nil {
		b.Fatal(err)
	}
	f.Store, f.stop = s, func() { s.Close() }
	var cache policy.Cache
	for _, c := range conns { // a bunker that has run for a while
		if _, err := cache.Compiled(f.view(c).Policies); err != nil {
			b.Fatal(err)
		}
	}
	var used int64
	at := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		f.clock.add(20 * time.Millisecond)
		ws := make([]*waiting, 64)
		b.StartTimer()
		before := cpu(b)
		for i := range ws {
			c := conns[at%len(conns)]
			at += 7919
			ws[i] = &waiting{ctx: context.Background(), e: f.decided(b, c, &cache), done: make(chan bunker.Result, 1)}
		}
		f.commitGroup(ws, false)
		used += cpu(b) - before
		b.StopTimer()
		for _, w := range ws {
			if r := <-w.done; r.Outcome != bunker.Committed {
				b.Fatalf("%+v", r)
			}
		}
		b.StartTimer()
	}
	before := cpu(b)
	if err := f.CountBudgets(); err != nil { // what the log still holds is to be paid, too
		b.Fatal(err)
	}
	used += cpu(b) - before
	b.ReportMetric(float64(used)/float64(b.N)/64, "cpu-ns/request")
}

// decided is the entry of a request, read and decided as the signer does.
func (f *fixture) decided(b *testing.B, c *bunker.Connection, cache *policy.Cache) *bunker.Entry {
	b.Helper()
	v, err := f.View(context.Background(), c.Tenant, c.Signer, c.Client)
	if err != nil {
		b.Fatal(err)
	}
	now := f.clock.Now()
	in := policy.Input{
		Now: now.UnixMilli(), Tenant: &v.Tenant, Key: v.Key, Connection: v.Connection, Grants: v.Grants, Door: bunker.DoorRelay,
		Operation: &policy.Operation{Method: "sign_event", Template: &nostr.Template{Kind: 1, CreatedAt: now.Unix(), Content: "a note"}},
	}
	if in.Policies, err = cache.Compiled(v.Policies); err != nil {
		b.Fatal(err)
	}
	if need := policy.Needs(in); len(need.Used) > 0 {
		used, err := f.Used(context.Background(), bunker.SelfHosted, need.Used)
		if err != nil {
			b.Fatal(err)
		}
		in.Used = map[bunker.Window]int64{}
		for i, w := range need.Used {
			in.Used[w] = used[i]
		}
	}
	d := policy.Decide(in)
	if d.Effect != bunker.Allow || len(d.Charges) != len(v.Policies) {
		b.Fatalf("%+v", d)
	}
	e := entryOf(v, now)
	e.Charges, e.Audit.Rule, e.Audit.Reason = d.Charges, d.Rule, d.Reason
	return e
}

// many makes connections that are under some policies of 100 rules, the same ones or
// each of its own.
func (f *fixture) many(connections, policies int, alike bool) []*bunker.Connection {
	f.t.Helper()
	k := f.addKey("herald")
	under := make([]*bunker.Policy, policies)
	for from := 0; from < policies; from += 500 {
		f.change(func(tx *Tx) error {
			for i := from; i < min(policies, from+500); i++ {
				under[i] = &bunker.Policy{Tenant: bunker.SelfHosted, ID: bunker.NewPolicyID(), Name: fmt.Sprint("p", i), Zone: "Europe/Paris"}
				note := ""
				if !alike {
					note = fmt.Sprint("of policy ", i)
				}
				for j := range 100 {
					r := bunker.Rule{ID: fmt.Sprintf("r%02d", j), Effect: bunker.Deny, Kinds: []bunker.KindRange{{From: nostr.Kind(1000 + j), To: nostr.Kind(2000 + j)}}}
					if j == 0 {
						r = bunker.Rule{ID: "notes", Note: note, Effect: bunker.Allow, Kinds: []bunker.KindRange{{From: 1, To: 1}}, Budget: &bunker.Budget{PerDay: 1_000_000}}
					}
					under[i].Rules = append(under[i].Rules, r)
				}
				if err := tx.PutPolicy(under[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	conns := make([]*bunker.Connection, connections)
	for from := 0; from < connections; from += 500 {
		f.change(func(tx *Tx) error {
			for i := from; i < min(connections, from+500); i++ {
				c := &bunker.Connection{
					Tenant: bunker.SelfHosted, ID: bunker.NewConnectionID(), Key: k.ID, Signer: random32(), Client: random32(), State: bunker.ConnActive,
					Name: "app", Relays: []string{"wss://relay.example"}, CreatedAt: f.clock.Now().UnixMilli(),
				}
				g := f.newGrant(c, 0)
				if policies > 0 {
					g.Permissions, g.Policy = "", under[i%policies].ID
				}
				err := errors.Join(tx.AddServiceKey(&bunker.ServiceKey{Tenant: c.Tenant, PubKey: c.Signer, Role: bunker.RoleSigner, Ciphertext: []byte("x")}),
					tx.PutConnection(c), tx.putGrant(g))
				if err != nil {
					return err
				}
				conns[i] = c
			}
			return nil
		})
	}
	return conns
}
