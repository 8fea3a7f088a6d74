package store

import (
	"context"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

// burst commits a question of a connection, of a kind, and returns it as stored.
func (f *fixture) burst(c *bunker.Connection, kind int64) *bunker.Approval {
	f.t.Helper()
	e := park(f.entry(c), f.clock.Now())
	e.NewApproval.Kind, e.Burst = kind, time.Minute.Milliseconds()
	e.OpDigest = [32]byte(e.EventID)
	e.NewApproval.OpDigest = e.OpDigest
	f.mustCommit(e)
	a, err := f.Approval(context.Background(), bunker.SelfHosted, e.NewApproval.ID)
	if err != nil {
		f.t.Fatal(err)
	}
	return a
}

func burstIsOneBatch(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	c, other := f.addConnection(k), f.addConnection(k)
	first := f.burst(c, 7)
	f.clock.add(50 * time.Second)
	second := f.burst(c, 7)
	f.clock.add(50 * time.Second)
	third := f.burst(c, 7) // after the second, not after the first
	if first.Batch != first.ID || second.Batch != first.ID || third.Batch != first.ID {
		t.Errorf("%s, %s, %s: not one burst", first.Batch, second.Batch, third.Batch)
	}
	for what, a := range map[string]*bunker.Approval{"another kind": f.burst(c, 1), "another app": f.burst(other, 7)} {
		if a.Batch != a.ID {
			t.Errorf("%s belongs to the burst", what)
		}
	}
	for _, a := range []*bunker.Approval{first, second, third} {
		if err := f.answer(a, bunker.ApprovalDenied, nil); err != nil {
			t.Fatal(err)
		}
	}
	if a := f.burst(c, 7); a.Batch != a.ID {
		t.Error("what was answered already has a newcomer")
	}
	f.clock.add(time.Minute)
	if a := f.burst(c, 7); a.Batch != a.ID {
		t.Error("a minute later it is the same burst")
	}
}

func knocksBounded(t *testing.T, f *fixture) {
	k, other := f.addKey("herald"), f.addKey("other")
	known := map[bunker.KeyID]*bunker.Connection{k.ID: f.addConnection(k), other.ID: f.addConnection(other)}
	knock := func(k *bunker.UserKey) bunker.Outcome {
		c := &bunker.Connection{
			Tenant: bunker.SelfHosted, ID: bunker.NewConnectionID(), Key: k.ID, Signer: random32(), Client: random32(), State: bunker.ConnPending,
			CreatedAt: f.clock.Now().UnixMilli(), Version: 1,
		}
		e := park(f.entry(known[k.ID]), f.clock.Now())
		e.Connection, e.NewConnection, e.NewApproval.Connection, e.NewApproval.Method = c.ID, c, c.ID, "connect"
		e.Basis.Connection, e.Basis.ConnectionVersion = "", 0
		e.MaxKnocksKey, e.MaxKnocks = 2, 3
		return f.commit(e).Outcome
	}
	for i, c := range []struct {
		k    *bunker.UserKey
		want bunker.Outcome
	}{{k, bunker.Committed}, {k, bunker.Committed}, {k, bunker.Moved}, {other, bunker.Committed}, {other, bunker.Moved}} {
		if got := knock(c.k); got != c.want {
			t.Errorf("knock %d: outcome %d, want %d", i, got, c.want)
		}
	}
}

func textsErased(t *testing.T, f *fixture) {
	ctx := context.Background()
	c := f.addConnection(f.addKey("herald"))
	ask := func(method string) *bunker.Approval {
		e := park(f.entry(c), f.clock.Now())
		e.Method, e.NewApproval.Method, e.NewApproval.Summary = method, method, []byte("shown")
		e.OpDigest = [32]byte(e.EventID)
		e.NewApproval.OpDigest = e.OpDigest
		f.mustCommit(e)
		return e.NewApproval
	}
	secret, note, open := ask("nip44_encrypt"), ask("sign_event"), ask("nip04_encrypt")
	for _, a := range []*bunker.Approval{secret, note} {
		if err := f.answer(a, bunker.ApprovalDenied, nil); err != nil {
			t.Fatal(err)
		}
	}
	shows := func(a *bunker.Approval) bool {
		t.Helper()
		if _, err := f.Prune(ctx); err != nil {
			t.Fatal(err)
		}
		got, err := f.Approval(ctx, bunker.SelfHosted, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		return len(got.Summary) > 0
	}
	if !shows(secret) {
		t.Error("the text is gone at once")
	}
	f.clock.add(keepTexts + time.Second)
	if shows(secret) || !shows(note) || !shows(open) {
		t.Errorf("after an hour: text to encrypt %t, note %t, open question %t", shows(secret), shows(note), shows(open))
	}
}
