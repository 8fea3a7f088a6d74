package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

// desk is a log and an outbox in memory, which can fail: the real ones are tried
// in internal/store and on whole bunkers.
type desk struct {
	head     int64
	recs     []bunker.AuditRecord
	channels []bunker.Channel
	chErr    error
	between  func() // happens once, between the two reads of the log and of the channels
	read     int
	new      bool // nobody was ever told
	added    []bunker.Notice
	stored   []int64
	addErr   error
}

// reading comes at the end of each of the two reads.
func (d *desk) reading() {
	if d.read++; d.between != nil && d.read == 1 {
		d.between()
	}
}
func (d *desk) Happened(_ context.Context, after int64, _ int) ([]bunker.AuditRecord, int64, error) {
	defer d.reading()
	var out []bunker.AuditRecord
	for _, r := range d.recs {
		if r.Seq > after {
			out = append(out, r)
		}
	}
	return out, d.head, nil
}
func (d *desk) Head(context.Context) (int64, error) {
	defer d.reading()
	return d.head, nil
}
func (d *desk) NoticesSeen(context.Context) (int64, bool, error) { return 0, !d.new, nil }
func (d *desk) AddNotices(_ context.Context, seen int64, list []bunker.Notice) error {
	if d.addErr != nil {
		return d.addErr
	}
	d.stored, d.added = append(d.stored, seen), append(d.added, list...)
	return nil
}
func (d *desk) WaitingNotices(context.Context) ([]bunker.Notice, error) { return nil, nil }
func (d *desk) TryNotices(context.Context, bunker.NoticeID, []bunker.NoticeID, int64) error {
	return nil
}
func (d *desk) EndNotices(context.Context, []bunker.NoticeID, bunker.NoticeState, string) error {
	return nil
}
func (d *desk) SentTo(context.Context, string, int64) (int, int64, error) { return 0, 0, nil }
func (d *desk) PruneNotices(context.Context) error                        { return nil }
func (d *desk) Channels(context.Context) ([]bunker.Channel, error) {
	defer d.reading()
	return d.channels, d.chErr
}
func (d *desk) Question(context.Context, bunker.ApprovalID) (*bunker.Approval, error) {
	return nil, errors.New("there is none")
}
func (d *desk) Names(context.Context, bunker.ConnectionID, bunker.KeyID) (string, string) {
	return "", ""
}
func (d *desk) Secret(*bunker.Channel) ([]byte, error)       { return nil, nil }
func (d *desk) Sealed() bool                                 { return false }
func (d *desk) Conditions(context.Context) (out []Condition) { return nil }

func newDesk(t *testing.T) (*desk, *Notifier) {
	t.Helper()
	d := &desk{channels: []bunker.Channel{{
		Tenant: bunker.SelfHosted, Name: "ops", Kind: bunker.ChannelWebhook, CreatedAt: 100,
		Settings: bunker.ChannelSettings{Classes: []bunker.NoticeClass{bunker.ClassQuestions}, After: 60_000},
	}}}
	n, err := New(Config{
		Wake: func() {}, Log: d, Outbox: d, Around: d, HTTP: http.DefaultClient, Dial: dialer, Now: func() time.Time { return at }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d, n
}

func question(seq, at int64) bunker.AuditRecord {
	return bunker.AuditRecord{Seq: seq, Time: at, Action: "sign_event", Step: "ask", Object: "q"}
}

func TestAChannelHearsOfWhatItWantsFromItsBirthOn(t *testing.T) {
	d, n := newDesk(t)
	d.head, d.recs = 3, []bunker.AuditRecord{question(1, 99), question(2, 100), {Seq: 3, Time: 200, Action: "stop"}}
	n.Step(t.Context())
	if len(d.added) != 1 || d.added[0].Source != "record 2" || d.added[0].Due != 100+60_000 {
		t.Errorf("made were %+v", d.added)
	}
}

// TestAChannelIsToldOfWhatFollowsItAtOnce: a channel and the first thing that it is to be told may both come while
// the log and the channels are read, or before anybody was ever told.
func TestAChannelIsToldOfWhatFollowsItAtOnce(t *testing.T) {
	for name, begun := range map[string]bool{"as the notifier begins": false, "later": true} {
		t.Run(name, func(t *testing.T) {
			d, n := newDesk(t)
			channels := d.channels
			d.head, d.recs, d.channels = 1, []bunker.AuditRecord{question(1, 90)}, nil
			d.new, d.read, n.begun = !begun, 0, begun
			d.between = func() {
				d.channels, d.head, d.recs = channels, 2, append(d.recs, question(2, 100))
			}
			n.Step(t.Context())
			n.Step(t.Context())
			if len(d.added) != 1 || d.added[0].Source != "record 2" {
				t.Errorf("made were %+v", d.added)
			}
		})
	}
	d, n := newDesk(t)
	d.head, d.recs, d.new = 2, []bunker.AuditRecord{question(1, 90), question(2, 100)}, true
	n.Step(t.Context())
	if len(d.added) != 1 || d.added[0].Source != "record 2" {
		t.Errorf("made were %+v", d.added)
	}
}

// TestNothingIsLeftOutWhenTheStoreFailsForAMoment: the place in the log moves only
// with what was stored of it.
func TestNothingIsLeftOutWhenTheStoreFailsForAMoment(t *testing.T) {
	d, n := newDesk(t)
	d.head, d.recs = 1, []bunker.AuditRecord{question(1, 500)}
	d.addErr = errors.New("the disk is full")
	n.Step(t.Context())
	d.addErr = nil
	channels := d.channels
	d.channels, d.chErr = nil, errors.New("the database is locked")
	n.Step(t.Context())
	if len(d.added) != 0 || n.seen != 0 {
		t.Fatalf("made were %+v, up to %d", d.added, n.seen)
	}
	d.channels, d.chErr = channels, nil
	n.Step(t.Context())
	n.Step(t.Context())
	if len(d.added) != 1 {
		t.Errorf("made were %+v", d.added)
	}
}

// TestThePlaceInALogWithoutNewsIsStoredNowAndThen, so that a start does not read
// a million records again.
func TestThePlaceInALogWithoutNewsIsStoredNowAndThen(t *testing.T) {
	d, n := newDesk(t)
	for range rememberEvery + 10 {
		d.head++
		n.Step(t.Context())
	}
	if len(d.stored) != 1 || d.stored[0] != rememberEvery {
		t.Errorf("stored at %v", d.stored)
	}
}
