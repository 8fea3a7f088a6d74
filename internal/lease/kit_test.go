package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

// shop is a store in memory, that can go out of reach; the real one's statements are
// tried in internal/store.
type shop struct {
	mu        sync.Mutex
	instances map[bunker.InstanceID]bunker.Instance
	leases    map[string]bunker.InstanceID
	orders    []bunker.InstanceOrder
	away      map[bunker.InstanceID]bool // answers nothing, until the caller gives up
	minimum   int64
	open      map[bunker.InstanceID]map[bunker.TenantID]bunker.Opening
	guests    []bunker.TenantMoved
}

const (
	parts = 16
	told  = 3 // orders that a beat tells at most
	dead  = 6 * time.Second
)

func part(n int) string { return fmt.Sprintf("%03d", n) }

func newShop() *shop {
	s := &shop{instances: map[bunker.InstanceID]bunker.Instance{}, leases: map[string]bunker.InstanceID{"jobs": ""}, away: map[bunker.InstanceID]bool{}, open: map[bunker.InstanceID]map[bunker.TenantID]bunker.Opening{}}
	for n := range parts {
		s.leases[part(n)] = ""
	}
	return s
}

var errAway = errors.New("out of reach")

// reach is one call, which takes its time when the store is out of reach.
func (s *shop) reach(ctx context.Context, me bunker.InstanceID) error {
	s.mu.Lock()
	away := s.away[me]
	s.mu.Unlock()
	if !away {
		return nil
	}
	select {
	case <-ctx.Done():
	case <-time.After(1500 * time.Millisecond):
	}
	return errAway
}

func (s *shop) Beat(ctx context.Context, me bunker.Instance) (bunker.Standing, error) {
	if err := s.reach(ctx, me.ID); err != nil {
		return bunker.Standing{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	me.Beat, me.Opened = time.Now().UnixMilli(), s.instances[me.ID].Opened
	s.instances[me.ID] = me
	st := bunker.Standing{Now: me.Beat, Minimum: s.minimum, Leases: map[string]bunker.InstanceID{}}
	for _, i := range s.instances {
		st.Instances = append(st.Instances, i)
	}
	for n, of := range s.leases {
		st.Leases[n] = of
	}
	for _, o := range s.orders {
		st.Newest = o.No
		if o.No > me.Done && len(st.Orders) < told {
			st.Orders = append(st.Orders, o)
		}
	}
	for _, m := range s.guests {
		if m.At > me.Guests {
			st.Guests = append(st.Guests, m)
		}
	}
	return st, nil
}

// SayOpen takes two at a time.
func (s *shop) SayOpen(ctx context.Context, me bunker.InstanceID, no int64, list []bunker.Opening) (int, bool, error) {
	if err := s.reach(ctx, me); err != nil {
		return 0, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.instances[me]
	if !ok {
		return 0, false, nil
	}
	i.Opened = no
	s.instances[me] = i
	if s.open[me] == nil {
		s.open[me] = map[bunker.TenantID]bunker.Opening{}
	}
	list = list[:min(2, len(list))]
	for _, o := range list {
		o.No = no
		s.open[me][o.Tenant] = o
	}
	return len(list), true, nil
}

func (s *shop) OpenSince(ctx context.Context, of bunker.InstanceID, after int64) (out []bunker.Opening, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.open[of] {
		if o.No > after {
			out = append(out, o)
		}
	}
	return out, nil
}

// forget takes out an instance's rows, as its end does, and a clean-up.
func (s *shop) forget(id bunker.InstanceID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.instances, id)
	delete(s.open, id)
}

func (s *shop) TakeLeases(ctx context.Context, me bunker.InstanceID, n int) error {
	if err := s.reach(ctx, me); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().UnixMilli()
	for name, of := range s.leases {
		if i := s.instances[of]; n > 0 && (i.ID == "" || i.Draining || now-i.Beat >= dead.Milliseconds()) {
			s.leases[name] = me
			n--
		}
	}
	return nil
}

func (s *shop) GiveLeases(ctx context.Context, me bunker.InstanceID, n int, all bool) error {
	if err := s.reach(ctx, me); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, of := range s.leases {
		if of == me && (all || n > 0) {
			s.leases[name] = ""
			n--
		}
	}
	return nil
}

func (s *shop) order(by bunker.InstanceID) int64 { return s.orderOf(by, "self") }

func (s *shop) orderOf(by bunker.InstanceID, of bunker.TenantID) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	no := int64(len(s.orders)) + 1
	s.orders = append(s.orders, bunker.InstanceOrder{No: no, Tenant: of, What: bunker.OrderChanged, Instance: by})
	return no
}

func (s *shop) cutOff(id bunker.InstanceID, away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away[id] = away
}

// member is an instance of a test.
type member struct {
	*Keeper
	mu       sync.Mutex
	did      []string
	slow     time.Duration // that following takes
	end      context.CancelFunc
	followed []int64
	guests   []bunker.TenantID
	ended    chan error
}

func (m *member) note(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.did = append(m.did, what)
}

func (m *member) says(what string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, d := range m.did {
		if d == what {
			n++
		}
	}
	return n
}

func join(t *testing.T, s *shop, id bunker.InstanceID) *member {
	t.Helper()
	m := &member{ended: make(chan error, 1)}
	var err error
	m.Keeper, err = New(Config{
		Rows: s, Me: bunker.Instance{ID: id, Name: "instance " + string(id)}, Parts: parts, Name: part, Jobs: "jobs", Dead: dead,
		Follow: func(_ context.Context, o bunker.InstanceOrder) {
			time.Sleep(m.slow)
			m.mu.Lock()
			m.followed = append(m.followed, o.No)
			m.mu.Unlock()
		},
		Guests: func(_ context.Context, ids []bunker.TenantID) {
			m.mu.Lock()
			m.guests = append(m.guests, ids...)
			m.mu.Unlock()
		},
		Shifted: func(ids []bunker.TenantID) {
			for _, id := range ids {
				m.note("shifted " + string(id))
			}
		},
		Moved: func() { m.note("moved") }, Wipe: func() { m.note("wipe") }, Back: func() { m.note("back") },
		Schema: func(minimum int64) error {
			if minimum > 100 {
				return errors.New("start the newer version")
			}
			return nil
		},
		Tell: func(context.Context, bunker.HintKind) {}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	m.end = cancel
	go func() { m.ended <- m.Run(ctx) }()
	return m
}

func (m *member) count() int {
	m.Keeper.mu.Lock()
	defer m.Keeper.mu.Unlock()
	return len(m.held)
}
