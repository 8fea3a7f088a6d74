package store

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// version is the next version at an address, dated by its number.
func (f *fixture) version(k bunker.KeyID, kind nostr.Kind, at bunker.Address) *bunker.KeptVersion {
	f.t.Helper()
	last, err := f.LastVersion(context.Background(), bunker.SelfHosted, k, kind, at)
	if err != nil {
		f.t.Fatal(err)
	}
	return &bunker.KeptVersion{
		Tenant: bunker.SelfHosted, Key: k, Kind: kind, Address: at, Seq: last.Seq + 1, CreatedAt: f.clock.Now().Unix() + last.Seq, EventID: random32(),
		Source: bunker.KeptSigned, KeptAt: f.clock.Now().UnixMilli() + last.Seq, Sealed: []byte("sealed bytes"),
	}
}

// keeping is an allowed request whose signature is kept.
func (f *fixture) keeping(c *bunker.Connection, v *bunker.KeptVersion) *bunker.Entry {
	f.t.Helper()
	e := f.entry(c)
	e.Keep = v
	return e
}

func (f *fixture) last(v *bunker.KeptVersion) bunker.LastVersion {
	f.t.Helper()
	last, err := f.LastVersion(context.Background(), v.Tenant, v.Key, v.Kind, v.Address)
	if err != nil {
		f.t.Fatal(err)
	}
	return last
}

func versionsInOrder(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	c := f.addConnection(k)
	first, rival := f.version(k.ID, 3, bunker.Address{1}), f.version(k.ID, 3, bunker.Address{1})
	f.mustCommit(f.keeping(c, first))
	late := f.keeping(c, rival)
	before := f.dump()
	if r := f.commit(late); r.Outcome != bunker.Moved || len(r.Replies) != 0 {
		t.Errorf("the second that was compared with none: %+v", r)
	}
	if d := cmp.Diff(before, f.dump()); d != "" {
		t.Errorf("it left a trace: %s", d)
	}
	rival.Seq = 2
	f.mustCommit(late)
	if last := f.last(first); last.Seq != 2 || last.Current == nil || last.Current.EventID != rival.EventID && last.Current.EventID != first.EventID {
		t.Errorf("%+v", last)
	}
	// Other addresses, kinds and keys are others'.
	for _, v := range []*bunker.KeptVersion{
		f.version(k.ID, 3, bunker.Address{2}), f.version(k.ID, 4, bunker.Address{1}), f.version(f.addKey("other").ID, 3, bunker.Address{1}),
	} {
		if v.Seq != 1 {
			t.Errorf("%+v begins at %d", v, v.Seq)
		}
	}
	// In one group, too.
	a, b := f.keeping(c, f.version(k.ID, 3, bunker.Address{1})), f.keeping(c, f.version(k.ID, 3, bunker.Address{1}))
	ra, rb := make(chan bunker.Result), make(chan bunker.Result)
	go func() { ra <- f.commit(a) }()
	go func() { rb <- f.commit(b) }()
	x, y := <-ra, <-rb
	if min(x.Outcome, y.Outcome) != bunker.Committed || max(x.Outcome, y.Outcome) != bunker.Moved {
		t.Errorf("two at a time: %d and %d", x.Outcome, y.Outcome)
	}
	bad := f.keeping(c, f.version(k.ID, 3, bunker.Address{1}))
	bad.Keep.Key = "k9"
	if r := f.commit(bad); r.Outcome != bunker.Failed || r.Err == nil {
		t.Errorf("a version of another key: %+v", r)
	}
	f.expectWhole()
}

func versionsCurrent(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	c := f.addConnection(k)
	newest := f.version(k.ID, 3, bunker.Address{1})
	newest.CreatedAt += 1000
	f.mustCommit(f.keeping(c, newest))
	older := f.version(k.ID, 3, bunker.Address{1})
	f.mustCommit(f.keeping(c, older))
	if last := f.last(newest); last.Seq != 2 || last.Current.EventID != newest.EventID || string(last.Current.Sealed) != "sealed bytes" {
		t.Errorf("%+v", last)
	}
	same := f.version(k.ID, 3, bunker.Address{1})
	same.CreatedAt = newest.CreatedAt
	f.mustCommit(f.keeping(c, same))
	if last := f.last(newest); last.Current.EventID != same.EventID {
		t.Error("of two of one date the later one counts")
	}
	for range MaxVersions { // it stays, however many follow it
		v := f.version(k.ID, 3, bunker.Address{1})
		v.CreatedAt = 7
		f.mustCommit(f.keeping(c, v))
	}
	if last := f.last(newest); last.Current.EventID != same.EventID {
		t.Error("the version that relays hold was forgotten")
	}
}

func versionsBounded(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	c := f.addConnection(k)
	for range MaxVersions + 5 {
		f.mustCommit(f.keeping(c, f.version(k.ID, 3, bunker.Address{1})))
	}
	f.expectRows("kept_version", MaxVersions+1)
	list, err := f.Versions(context.Background(), bunker.SelfHosted, k.ID, VersionPage{Kind: -1})
	if err != nil || len(list) != MaxVersions+1 || list[0].Seq != MaxVersions+5 || !list[0].Current || list[1].Current || list[MaxVersions-1].Seq != 6 || list[MaxVersions].Seq != 1 {
		t.Errorf("%d, %v", len(list), err)
	}
	if err := f.VersionBytes(context.Background(), &list[3]); err != nil || string(list[3].Sealed) != "sealed bytes" || len(list[2].Sealed) != 0 {
		t.Errorf("bytes of one: %q, of another %q, %v", list[3].Sealed, list[2].Sealed, err)
	}
	list[3].Seq = 2
	if err := f.VersionBytes(context.Background(), &list[3]); bunker.AsError(err).Code != bunker.CodeNotFound {
		t.Errorf("bytes of one that was forgotten: %v", err)
	}
	// In pages, each once.
	seen := map[nostr.ID]bool{}
	for p := (VersionPage{Kind: 3, Limit: 7}); ; {
		page, err := f.Versions(context.Background(), bunker.SelfHosted, k.ID, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page {
			seen[v.EventID] = true
			p.Before, p.BeforeID = v.KeptAt, v.EventID
		}
		if len(page) < p.Limit {
			break
		}
	}
	if len(seen) != MaxVersions+1 {
		t.Errorf("%d in pages", len(seen))
	}
	if other, err := f.Versions(context.Background(), bunker.SelfHosted, k.ID, VersionPage{Kind: 0}); err != nil || len(other) != 0 {
		t.Errorf("%d of another kind, %v", len(other), err)
	}
}

func versionBytesBounded(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	c := f.addConnection(k)
	const size = 4 << 20
	keep := func(kind nostr.Kind, at byte) {
		v := f.version(k.ID, kind, bunker.Address{at})
		v.Sealed = make([]byte, size)
		f.mustCommit(f.keeping(c, v))
	}
	for range MaxVersionBytes/size + 2 {
		keep(3, 1)
	}
	for at := range byte(3) {
		keep(30023, 10+at)
	}
	n, err := f.Prune(context.Background())
	if err != nil || n != 5 {
		t.Errorf("forgot %d, %v", n, err)
	}
	if v := f.version(k.ID, 3, bunker.Address{1}); v.Seq != MaxVersionBytes/size+3 {
		t.Errorf("the newest version of a list was forgotten: next is %d", v.Seq)
	}
	// Where last versions alone are too many, those with a d tag go, oldest first.
	for at := range byte(MaxVersionBytes / size) {
		keep(30023, 100+at)
	}
	if _, err := f.Prune(context.Background()); err != nil {
		t.Fatal(err)
	}
	var sum int64
	if err := f.write.QueryRowContext(context.Background(), `SELECT sum(size) FROM kept_version`).Scan(&sum); err != nil || sum > MaxVersionBytes {
		t.Errorf("%d bytes are kept, %v", sum, err)
	}
	if v := f.version(k.ID, 3, bunker.Address{1}); v.Seq == 1 {
		t.Error("the last version of the follow list was forgotten")
	}
	if n, err := f.Prune(context.Background()); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
}

// versionFlood: an app can make any number of events with a d tag, and of kinds 10000 to
// 19999, and each has a current version.
func versionFlood(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	c := f.addConnection(k)
	const size = 4 << 20
	keep := func(kind nostr.Kind, at byte) {
		v := f.version(k.ID, kind, bunker.Address{at})
		v.Sealed = make([]byte, size)
		f.mustCommit(f.keeping(c, v))
	}
	for range 3 {
		keep(3, 1)
	}
	for n := range byte(2 * MaxVersionBytes / size) {
		keep(nostr.Kind(11_000+int(n)), 1)
		keep(30023, 50+n)
	}
	if _, err := f.Prune(context.Background()); err != nil {
		t.Fatal(err)
	}
	var sum, lists int64
	err := f.write.QueryRowContext(context.Background(), `SELECT sum(size), count(*) FILTER (WHERE kind = 3) FROM kept_version`).Scan(&sum, &lists)
	if err != nil || sum > MaxVersionBytes || lists != 3 {
		t.Errorf("%d bytes are kept, %d versions of the follow list, %v", sum, lists, err)
	}
}

func versionsSeen(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	c := f.addConnection(k)
	at := bunker.Address{1}
	seen := func(since int64) int64 {
		t.Helper()
		v, err := f.SeenVersion(context.Background(), bunker.SelfHosted, k.ID, 3, at, since)
		if err != nil {
			t.Fatal(err)
		}
		if v == nil {
			return 0
		}
		return v.Seq
	}
	if n := seen(0); n != 0 {
		t.Errorf("none is kept, and %d is found", n)
	}
	for i, bySomebody := range []bool{false, false, true, false, false} {
		v := f.version(k.ID, 3, at)
		v.KeptAt, v.Seen = int64(100*(i+1)), bySomebody
		f.mustCommit(f.keeping(c, v))
		f.mustCommit(f.keeping(c, f.version(k.ID, 3, bunker.Address{2}))) // another's
	}
	for since, want := range map[int64]int64{0: 3, 300: 3, 301: 4, 500: 5, 501: 0} {
		if n := seen(since); n != want {
			t.Errorf("since %d: %d, want %d", since, n, want)
		}
	}
}

func versionsFound(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	c := f.addConnection(k)
	a, b := f.version(k.ID, 3, bunker.Address{1}), f.version(k.ID, 0, bunker.Address{2})
	b.EventID = a.EventID
	b.EventID[5] ^= 1
	f.mustCommit(f.keeping(c, a))
	f.mustCommit(f.keeping(c, b))
	ctx := context.Background()
	for n, want := range map[int]int{4: 2, 5: 2, 6: 1, 32: 1} {
		first, last := a.EventID, a.EventID
		for i := n; i < len(first); i++ {
			first[i], last[i] = 0, 0xff
		}
		got, err := f.VersionsOf(ctx, bunker.SelfHosted, k.ID, first, last)
		if err != nil || len(got) != want || want == 1 && (got[0].EventID != a.EventID || got[0].Kind != 3 || !got[0].Current) {
			t.Errorf("%d bytes: %d found, %v", n, len(got), err)
		}
	}
	if got, err := f.VersionsOf(ctx, bunker.SelfHosted, f.addKey("other").ID, a.EventID, a.EventID); err != nil || len(got) != 0 {
		t.Errorf("another key's: %d, %v", len(got), err)
	}
}

func versionsErased(t *testing.T, f *fixture) {
	k, other := f.addKey("herald"), f.addKey("other")
	c := f.addConnection(k)
	f.mustCommit(f.keeping(c, f.version(k.ID, 3, bunker.Address{1})))
	f.change(func(tx *Tx) error {
		v := f.version(other.ID, 3, bunker.Address{1})
		v.Source = bunker.KeptFetched
		if err := tx.KeepVersion(v); err != nil {
			return err
		}
		if err := tx.KeepVersion(v); !isConflict(err) {
			t.Errorf("the same place twice: %v", err)
		}
		last, err := tx.LastVersion(other.ID, 3, bunker.Address{1})
		if err != nil || last.Seq != 1 || last.Current.Source != bunker.KeptFetched {
			t.Errorf("%+v, %v", last, err)
		}
		return nil
	})
	f.change(func(tx *Tx) error { return tx.DeleteKey(k.ID) })
	f.expectRows("kept_version", 1)
}

// BenchmarkKeep is BenchmarkCommit for signatures that are kept, each at an address
// of its own: 40 KiB, a follow list of 500.
func BenchmarkKeep(b *testing.B) {
	f := newFixture(b)
	k := f.addKey("herald")
	c := f.addConnection(k)
	sealed := make([]byte, 40<<10)
	for b.Loop() {
		v := &bunker.KeptVersion{
			Tenant: bunker.SelfHosted, Key: k.ID, Kind: 30000, Address: random32(), Seq: 1, CreatedAt: 1, EventID: random32(),
			Source: bunker.KeptSigned, KeptAt: 1, Sealed: sealed,
		}
		if r := f.commit(f.keeping(c, v)); r.Outcome != bunker.Committed {
			b.Fatal(r)
		}
	}
}
