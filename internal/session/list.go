package session

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
)

var _ admin.Sessions = (*Door)(nil)

func (s *live) waiting() admin.Waiting {
	w := admin.Waiting{
		Session: s.sid.String(), Code: s.code, Device: s.device, Pub: s.pub[:], Label: s.label, Person: s.person, Since: s.opened.UnixMilli(),
	}
	if s.pair != nil {
		w.Pairing = &s.pair.Pairing
	}
	return w
}

// sessions are the live ones, the oldest first.
func (d *Door) sessions() []*live {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.Now()
	var out []*live
	for _, s := range d.live {
		if !s.past(now) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *live) int { return cmp.Or(a.opened.Compare(b.opened), slices.Compare(a.sid[:], b.sid[:])) })
	return out
}

// Waiting implements [admin.Sessions].
func (d *Door) Waiting() []admin.Waiting {
	var out []admin.Waiting
	for _, s := range d.sessions() {
		if !s.isConfirmed() {
			out = append(out, s.waiting())
		}
	}
	return out
}

// Open implements [admin.Sessions].
func (d *Door) Open() []admin.OpenSession {
	var out []admin.OpenSession
	for _, s := range d.sessions() {
		out = append(out, admin.OpenSession{
			ID: s.sid.String(), Device: s.device, Label: s.label, Person: s.person, Confirmed: s.isConfirmed(),
			OpenedAt: s.opened.UnixMilli(), LastAt: s.lastHeard().UnixMilli(), Until: s.until.UnixMilli(),
		})
	}
	return out
}

// End implements [admin.Sessions].
func (d *Door) End(idOrDevice string) int {
	n := 0
	for _, s := range d.sessions() {
		if s.sid.String() == idOrDevice || s.device == idOrDevice {
			d.notice(s, noticeEnded, nil)
			d.drop(s, d.Now())
			n++
		}
	}
	return n
}

// Admit implements [admin.Sessions]: every waiting session of the device and its
// person is let in.
func (d *Door) Admit(device string) {
	for _, s := range d.sessions() {
		if s.device != device || s.isConfirmed() {
			continue
		}
		s.mu.Lock()
		s.confirmed = true
		s.mu.Unlock()
		d.notice(s, noticeConfirmed, nil)
	}
}

// The notices that are about the session itself.
const (
	noticeConfirmed = "confirmed"
	noticeEnded     = "ended"
	noticeMore      = "more" // some were left out: sync
)

// isOwed reports a session that notices were left out of and that can be told now.
func (s *live) isOwed(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.owed && s.pace.ready(now)
}

// notice sends one; what is more than the session's pace is counted only, so that
// the client sees a gap.
func (d *Door) notice(s *live, kind string, data []byte) {
	if !s.hold(math.MaxInt) {
		return
	}
	defer s.free()
	now := d.Now()
	s.mu.Lock()
	s.notices++
	n, pace := s.notices, s.pace.allow(now)
	s.owed = !pace
	s.mu.Unlock()
	if !pace {
		return
	}
	if data == nil {
		data = []byte("{}")
	}
	if ev, err := s.event(&adminwire.Message{Notice: &adminwire.Notice{N: n, Type: kind, Data: data}}, now); err == nil {
		d.Out.Send(ev, s.heardBy())
	}
}

// Turned tells every confirmed session that the bunker was sealed, unsealed or set
// up, without saying which: while it is sealed no role can be verified, so it is a
// reason to look and nothing more.
func (d *Door) Turned() {
	for _, s := range d.sessions() {
		if s.isConfirmed() {
			d.notice(s, noticeMore, nil)
		}
	}
}

// Tell sends a notice to every confirmed session whose person may know it now:
// about a user key, or "" for what is the whole bunker's. data is a JSON object.
func (d *Door) Tell(ctx context.Context, kind string, data []byte, key bunker.KeyID) {
	for _, s := range d.sessions() {
		if !s.isConfirmed() {
			continue
		}
		st, err := d.Rows.Standing(ctx, s.person, s.device)
		if err != nil || st.role() < bunker.Viewer || st.State == Sealed {
			continue
		}
		if len(st.Keys) > 0 && !slices.Contains(st.Keys, key) {
			continue
		}
		d.notice(s, kind, data)
	}
}

// Missed says that something happened that Tell was not called for: every session
// hears that there is more, as soon as it can be told.
func (d *Door) Missed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.live {
		s.mu.Lock()
		if s.confirmed {
			s.notices, s.owed = s.notices+1, true // as of one that was left out
		}
		s.mu.Unlock()
	}
}
