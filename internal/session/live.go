package session

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

// live is one session.
type live struct {
	client nostr.PubKey // E_c
	person nostr.PubKey // zero: local
	device string
	pub    adminwire.DevicePub
	label  string
	signed bool // by a certificate, so that person can sign commands
	sid    adminwire.SessionID
	h2     adminwire.Hash
	code   string
	proof  [32]byte // hash of the proof, to know it again
	opened time.Time
	until  time.Time
	pair   *pairing // that it came by

	es  *nostr.SecretKey // E_s, which signs what is sent
	key *secret.Bytes    // between E_s and E_c

	mu        sync.Mutex
	ready     *nostr.Event // M4
	kind      nostr.Kind   // that the client was heard in last
	link      string       // and on
	confirmed bool
	last      time.Time
	orders    orders
	stood     bool        // role and keys are those of
	role      bunker.Role // how whoever has it stood last while rows could be verified
	keys      []bunker.KeyID
	notices   int64
	owed      bool    // notices were left out since the last one that was sent
	pace      *bucket // of notices
	rate      *bucket // of orders
	over      bool
	running   int
}

// session returns the live session of a key.
func (d *Door) session(client nostr.PubKey, now time.Time) *live {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.live[client]
	if s != nil && s.past(now) {
		d.end(s, now)
		return nil
	}
	return s
}

// past reports a session whose time is over.
func (s *live) past(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !now.Before(s.until) || gone(now, s.last, adminwire.Idle) || !s.confirmed && gone(now, s.opened, WaitingLife)
}

// open makes a session and fills in what the client is told of it.
func (d *Door) open(ctx context.Context, p *proven, ready *adminwire.Ready, a arrival, proof [32]byte) (*live, error) {
	now := a.now
	s := &live{
		client: p.client, person: p.person, device: p.m.Device.ID().String(), pub: p.m.Device, label: p.m.Label, signed: p.m.Cert != nil,
		proof: proof, opened: now, until: now.Add(adminwire.Longest), last: now, kind: a.ev.Kind, link: a.link, pair: p.pairing,
		confirmed: p.st.Device == DeviceConfirmed && p.st.State != NotSetUp && p.pairing == nil,
		pace:      newBucket(NoticeRate, NoticeBurst), rate: newBucket(OrderRate, OrderBurst),
	}
	if p.st.Device == DeviceOut {
		return nil, bunker.Errorf(bunker.CodeRestricted, "this device was revoked here, or is another person's").
			WithHint("it can ask anew with another key: a browser makes one when the site's data are deleted, the command line when its file under $XDG_CONFIG_HOME/nsecbunker/remote is moved away")
	}
	asker := p.person
	if p.st.State == NotSetUp {
		asker = nostr.PubKey{} // anybody may come then: one budget for all, and one entry
	}
	if !s.confirmed && !d.mayAsk(asker, now) {
		return nil, bunker.Errorf(bunker.CodeRateLimited, "too many devices ask to be confirmed; try again later, or confirm one that waits").WithHint("nsecbunker device list")
	}
	var err error
	if s.es, err = nostr.GenerateKey(d.Arena); err != nil {
		return nil, err
	}
	if s.key, err = conversation(d.Arena, s.es, p.client); err != nil {
		s.es.Destroy()
		return nil, err
	}
	s.stands(&p.st)
	rand.Read(s.sid[:])
	s.h2 = adminwire.H2(p.h, p.who(), p.cert, s.es.PubKey(), s.sid)
	s.code = adminwire.Code(s.h2)
	if err := d.Rows.Opened(ctx, Opening{Person: s.person, Device: s.device, Label: s.label, Confirmed: s.confirmed, Signed: s.signed}); err != nil {
		s.destroy()
		return nil, err
	}
	if ready.Checkpoint, err = d.Rows.Checkpoint(ctx); err != nil {
		s.destroy()
		return nil, err
	}
	role := p.st.role()
	if !s.confirmed {
		role = bunker.NoRole
	}
	ready.SID, ready.Session, ready.H2, ready.Role, ready.State = s.sid, s.es.PubKey(), s.h2, role.String(), p.st.State
	ready.Confirmed, ready.Code, ready.Idle, ready.Until = s.confirmed, s.code, int64(adminwire.Idle/time.Second), s.until.Unix()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.makeRoom(s, now)
	d.live[s.client] = s
	if s.pair != nil {
		s.pair.used(s)
	}
	return s, nil
}

// stands notes what whoever has the session may do now. Answers from when he could do
// more, or with other keys, are not kept for him. While the bunker is sealed nobody
// knows.
func (s *live) stands(st *Standing) {
	if st.State == Sealed {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	role := st.role()
	if s.stood && (role < s.role || !slices.Equal(st.Keys, s.keys)) {
		s.orders.forget()
	}
	s.stood, s.role, s.keys = true, role, st.Keys
}

// begun keeps M4, to be sent again as it is.
func (s *live) begun(ready *nostr.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = ready
}

// mayAsk bounds how many unknown devices wait.
func (d *Door) mayAsk(person nostr.PubKey, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	all, own := 0, 0
	for _, s := range d.live {
		if !s.isConfirmed() {
			all++
			if s.person == person {
				own++
			}
		}
	}
	b := d.asked[person] // of admins, so their number is bounded
	if b == nil {
		b = newBucket(AsksPerHour/3600.0, AsksPerHour)
		d.asked[person] = b
	}
	return all < MaxWaiting && own < MaxWaitingOf && b.allow(now)
}

func (s *live) isConfirmed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.confirmed
}

func (s *live) lastHeard() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// makeRoom ends the session that was silent longest where there are too many: of
// the person, of all. d.mu is held.
func (d *Door) makeRoom(s *live, now time.Time) {
	var all, own []*live
	for _, o := range d.live {
		all = append(all, o)
		if o.person == s.person {
			own = append(own, o)
		}
	}
	switch {
	case len(own) >= MaxSessionsOf:
		d.end(slices.MinFunc(own, bySilence), now)
	case len(all) >= MaxSessions:
		d.end(slices.MinFunc(all, bySilence), now)
	}
}

// trim has the sessions that were silent longest forget their answers where all keep too
// many; s has just been heard.
func (d *Door) trim(s *live) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := s.keptBytes()
	var others []*live
	for _, o := range d.live {
		if n := o.keptBytes(); o != s && n > 0 {
			all += n
			others = append(others, o)
		}
	}
	if all <= AllKeptBytes {
		return
	}
	slices.SortFunc(others, bySilence)
	for _, o := range others {
		if all <= AllKeptBytes {
			return
		}
		all -= o.forget()
	}
}

// bySilence orders sessions: who was silent longest comes first.
func bySilence(a, b *live) int {
	return cmp.Or(a.lastHeard().Compare(b.lastHeard()), bytes.Compare(a.client[:], b.client[:]))
}

// end ends a session: its keys are wiped, at once or when what it ordered has
// been answered, and its client key is not heard again. d.mu is held.
func (d *Door) end(s *live, now time.Time) {
	if d.live[s.client] != s {
		return
	}
	delete(d.live, s.client)
	if len(d.ended) >= MaxEnded {
		clear(d.ended)
	}
	d.ended[s.client] = now
	s.mu.Lock()
	s.over = true
	idle := s.running == 0
	s.orders = orders{}
	s.mu.Unlock()
	if idle {
		s.destroy()
	}
}

// drop is end for a session that may be nil.
func (d *Door) drop(s *live, now time.Time) {
	if s == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.end(s, now)
}

// heardBy is the link that the client was heard on last.
func (s *live) heardBy() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link
}

func (s *live) destroy() {
	s.es.Destroy()
	s.key.Destroy()
}

// hold keeps the session's keys while something is done with them, at most so
// many things at once; free lets them go.
func (s *live) hold(most int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.running >= most {
		return false
	}
	s.running++
	return true
}

func (s *live) free() {
	s.mu.Lock()
	s.running--
	last := s.over && s.running == 0
	s.mu.Unlock()
	if last {
		s.destroy()
	}
}

// event closes a message into an event from E_s to the client.
func (s *live) event(m *adminwire.Message, now time.Time) (*nostr.Event, error) {
	plain := m.Append()
	defer secret.Wipe(plain)
	content, err := encrypt(s.key, plain)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	kind := s.kind
	s.mu.Unlock()
	ev := &nostr.Event{CreatedAt: now.Unix(), Kind: kind, Tags: nostr.Tags{{"p", s.client.String()}}, Content: content}
	return ev, s.es.SignUnchecked(ev)
}
