package inbox

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/nostr"
)

func TestATenantHasItsRequestsASecondAndNoMore(t *testing.T) {
	var q bunker.Quota
	tenant := &Tenant{ID: "a", Quota: func() bunker.Quota { return q }}
	now := time.Unix(1_800_000_000, 0)
	of := func(n int) (admitted int) {
		for range n {
			if tenant.admit(now) {
				admitted++
			}
		}
		return admitted
	}
	if of(10) != 0 {
		t.Error("something is worked on without a quota")
	}
	q.Rate = 5
	if got, want := of(1000), host.Burst(5); got != want {
		t.Errorf("%d at once, not %d", got, want)
	}
	now = now.Add(3 * time.Second)
	if got := of(100); got != 15 {
		t.Errorf("%d in 3 seconds", got)
	}
	q.Rate = 50
	now = now.Add(time.Second)
	if got := of(1000); got < 5 || got > 50+host.Burst(5) {
		t.Errorf("%d in the second after the quota was raised", got)
	}
	now = now.Add(time.Hour)
	if got := of(5000); got != host.Burst(50) {
		t.Errorf("%d at once, under the raised one", got)
	}
	q.Unlimited = true
	if of(5000) != 5000 {
		t.Error("something is refused without a bound")
	}
}

// noted keeps what is written down.
type noted struct{ records []bunker.AuditRecord }

func (n *noted) Write(_ context.Context, r bunker.AuditRecord) error {
	n.records = append(n.records, r)
	return nil
}

func (n *noted) Once(ctx context.Context, r bunker.AuditRecord, _ time.Duration) error {
	return n.Write(ctx, r)
}

// two are the tenants of a test.
type two map[bunker.TenantID]*Tenant

func (two) Of(nostr.PubKey) *Tenant             { return nil }
func (t two) Tenant(id bunker.TenantID) *Tenant { return t[id] }
func (two) Door(nostr.PubKey) Door              { return nil }

func TestWhatIsBeyondAQuotaIsOneRecordInItsTenantsLog(t *testing.T) {
	var a, b noted
	in := &Inbox{Config: Config{Log: slog.New(slog.DiscardHandler), Tenants: two{"a": {ID: "a", Diary: &a}, "b": {ID: "b", Diary: &b}}}, strangers: newStrangers(DefaultLimits())}
	in.refusals = newRates(1, 1, 8)
	for range 7 {
		in.over.add("a")
	}
	in.diary(t.Context())
	in.diary(t.Context())
	if len(a.records) != 1 || a.records[0].Count != 7 || a.records[0].Rule != "quota" || a.records[0].Effect != "deny" || len(b.records) != 0 {
		t.Errorf("%+v and %+v", a.records, b.records)
	}
}

func TestThatThereWasNoSeatIsWrittenOnceADay(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var n noted
	in := &Inbox{Config: Config{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}}
	tenant := &Tenant{ID: "a", Diary: &n}
	for range 3 {
		in.noSeat(t.Context(), tenant, "full")
	}
	now = now.Add(fullEvery)
	in.noSeat(t.Context(), tenant, "full")
	if len(n.records) != 2 || n.records[0].Action != bunker.SeatsFull || n.records[0].Rule != bunker.SeatsRule {
		t.Errorf("%+v", n.records)
	}
}
