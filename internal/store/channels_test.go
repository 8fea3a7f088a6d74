package store

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

func (f *fixture) addChannel(name string) *bunker.Channel {
	f.t.Helper()
	c := &bunker.Channel{
		Tenant: bunker.SelfHosted, Name: name, Kind: bunker.ChannelWebhook, Secret: []byte("wrapped"), CreatedAt: 1,
		Settings: bunker.ChannelSettings{Target: "https://example.org/" + name, Classes: []bunker.NoticeClass{bunker.ClassQuestions}},
	}
	f.change(func(tx *Tx) error { return tx.PutChannel(c) })
	return c
}

func (f *fixture) addNotice(channel, source string) bunker.Notice {
	f.t.Helper()
	n := bunker.Notice{Tenant: bunker.SelfHosted, ID: bunker.NewNoticeID(), Channel: channel, Kind: bunker.NoticeQuestion, Source: source, Object: "q"}
	if err := f.AddNotices(context.Background(), bunker.SelfHosted, 0, []bunker.Notice{n}); err != nil {
		f.t.Fatal(err)
	}
	return n
}

func (f *fixture) waitingNotices() []bunker.Notice {
	f.t.Helper()
	list, err := f.WaitingNotices(context.Background(), bunker.SelfHosted)
	if err != nil {
		f.t.Fatal(err)
	}
	return list
}

// touchedChannel: a row that was changed leads nowhere, sealed or not, and the
// others still work.
func touchedChannel(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	f.addChannel("ops")
	f.addChannel("other")
	for _, set := range append(touches["notify_channel"][1:], "sealed_mac = zeroblob(32)") {
		for _, sealed := range []bool{false, true} {
			if sealed && set == "mac = NULL" {
				continue // who can only write rows cannot make the other MAC, which holds then
			}
			f.tamper("CREATE TEMP TABLE kept AS SELECT * FROM notify_channel", "UPDATE notify_channel SET "+set+" WHERE name = 'ops'")
			f.auth.sealed.Store(sealed)
			got, err := f.Channels(ctx, self)
			if !errors.Is(err, bunker.ErrTampered) || len(got) != 1 || got[0].Name != "other" {
				t.Errorf("%s, sealed %t: %+v, %v", set, sealed, got, err)
			}
			f.auth.sealed.Store(false)
			f.tamper("DELETE FROM notify_channel", "INSERT INTO notify_channel SELECT * FROM kept", "DROP TABLE kept")
		}
	}
	f.auth.sealed.Store(true)
	got, err := f.Channels(ctx, self)
	if err != nil || len(got) != 2 || got[0].Settings.Target != "https://example.org/ops" {
		t.Errorf("untouched, sealed: %+v, %v", got, err)
	}
}

func sourceOnce(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	f.addChannel("ops")
	f.addChannel("other")
	n := f.addNotice("ops", "record 1")
	f.addNotice("ops", "record 1")
	f.addNotice("other", "record 1")
	f.addNotice("nobody", "record 1")
	if got := f.waitingNotices(); len(got) != 2 {
		t.Fatalf("%d wait: %+v", len(got), got)
	}
	if err := f.TryNotices(ctx, self, n.ID, []bunker.NoticeID{n.ID}, start.UnixMilli()); err != nil {
		t.Fatal(err)
	}
	if err := f.EndNotices(ctx, self, []bunker.NoticeID{n.ID}, bunker.NoticeSent, ""); err != nil {
		t.Fatal(err)
	}
	f.addNotice("ops", "record 1") // told already
	if got := f.waitingNotices(); len(got) != 1 || got[0].Channel != "other" {
		t.Errorf("%+v wait", got)
	}
	sent, last, err := f.SentTo(ctx, self, "ops", start.Add(-time.Hour).UnixMilli())
	if err != nil || sent != 1 || last != start.UnixMilli() {
		t.Errorf("sent %d, last at %d, %v", sent, last, err)
	}
}

func noticesBounded(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	f.addChannel("ops")
	var list []bunker.Notice
	for i := range MaxNotices + 5 {
		list = append(list, bunker.Notice{Tenant: self, ID: bunker.NewNoticeID(), Channel: "ops", Kind: bunker.NoticeQuestion, Source: fmt.Sprint(i)})
	}
	if err := f.AddNotices(ctx, self, 7, list); err != nil {
		t.Fatal(err)
	}
	if got := f.waitingNotices(); len(got) != MaxNotices {
		t.Errorf("%d wait", len(got))
	}
	if seen, ok, err := f.NoticesSeen(ctx, self); seen != 7 || !ok || err != nil {
		t.Errorf("seen up to %d, %t, %v", seen, ok, err)
	}
	// The place never goes back.
	if err := f.AddNotices(ctx, self, 3, nil); err != nil {
		t.Fatal(err)
	}
	if seen, _, _ := f.NoticesSeen(ctx, self); seen != 7 {
		t.Errorf("seen up to %d", seen)
	}
}

// happenedFrom: questions and changes are told of, single requests are not, and
// the place moves over those too.
func happenedFrom(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	k := f.addKey("herald")
	c := f.addConnection(k)
	from, err := f.Head(ctx, self)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		f.mustCommit(f.entry(c))
	}
	recs, upTo, err := f.Happened(ctx, self, from, 10)
	if err != nil || len(recs) != 0 || upTo != from+3 {
		t.Errorf("%d records up to %d of %d, %v", len(recs), upTo, from+3, err)
	}
	f.addKey("b")
	f.addKey("c")
	recs, upTo, err = f.Happened(ctx, self, from, 1)
	if err != nil || len(recs) != 1 || recs[0].Action != "test" || upTo != recs[0].Seq {
		t.Errorf("a page of one: %+v up to %d, %v", recs, upTo, err)
	}
	recs, upTo, err = f.Happened(ctx, self, upTo, 10)
	if err != nil || len(recs) != 1 || upTo != from+5 {
		t.Errorf("the rest: %d up to %d, %v", len(recs), upTo, err)
	}
}

func codeOnce(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	f.addChannel("ops")
	n := f.addNotice("ops", "record 1")
	for i, want := range []bool{true, false, false} {
		if got, err := f.UseCode(ctx, self, n.ID); got != want || err != nil {
			t.Errorf("use %d: %t, %v", i, got, err)
		}
	}
	if got, err := f.UseCode(ctx, self, "nobody"); got || err != nil {
		t.Errorf("a code of nothing: %t, %v", got, err)
	}
}

func channelGoes(t *testing.T, f *fixture) {
	c := f.addChannel("ops")
	f.addNotice("ops", "record 1")
	stale := *c
	f.change(func(tx *Tx) error { return tx.PutChannel(c) })
	if err := f.tryChange(func(tx *Tx) error { return tx.PutChannel(&stale) }); bunker.AsError(err).Code != bunker.CodeConflict {
		t.Errorf("an old version was stored: %v", err)
	}
	f.change(func(tx *Tx) error { return tx.DeleteChannel("ops") })
	if got := f.waitingNotices(); len(got) != 0 {
		t.Errorf("%+v wait for a channel that is gone", got)
	}
	if err := f.tryChange(func(tx *Tx) error { return tx.DeleteChannel("ops") }); bunker.AsError(err).Code != bunker.CodeNotFound {
		t.Errorf("removed twice: %v", err)
	}
}

// TestTheNotifiersKeyIsOneOfTheBunkersOwn: every pubkey has one role.
func TestTheNotifiersKeyIsOneOfTheBunkersOwn(t *testing.T) {
	f := newFixture(t)
	k := bunker.ServiceKey{Tenant: bunker.SelfHosted, PubKey: random32(), Role: bunker.RoleNotifier, Ciphertext: []byte("x"), CreatedAt: 1}
	f.change(func(tx *Tx) error { return tx.AddServiceKey(&k) })
	user := &bunker.UserKey{Tenant: bunker.SelfHosted, ID: bunker.NewKeyID(), Name: "thief", PubKey: k.PubKey, State: bunker.KeyActive, Default: bunker.Ask}
	if err := f.tryChange(func(tx *Tx) error { return tx.PutKey(user) }); bunker.AsError(err).Code != bunker.CodeConflict {
		t.Errorf("a key of the bunker's own became a user key: %v", err)
	}
	again := k
	again.Role = bunker.RoleSigner
	if err := f.tryChange(func(tx *Tx) error { return tx.AddServiceKey(&again) }); err == nil {
		t.Error("a key has two roles")
	}
}
