package admin

import (
	"context"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// Sessions are the sessions of the relay door as the commands see them. They live
// in memory.
type Sessions interface {
	// Waiting are the devices that ask to be confirmed.
	Waiting() []Waiting
	// Admit tells the waiting sessions of a device that it is confirmed now.
	Admit(device string)
	// Open are the sessions that there are.
	Open() []OpenSession
	// End ends sessions: the one of that id, or those of that device. It returns how
	// many.
	End(idOrDevice string) int
	// Pair makes a pairing link, good once, for a device that may do so much.
	Pair(p Pairing) (link, id string, err error)
	// Paired waits until somebody uses the link, or ctx ends, or the link does.
	Paired(ctx context.Context, id string) (Waiting, error)
}

// Waiting is a device that asks to be confirmed.
type Waiting struct {
	Session string
	Code    string // six digits that it shows
	Device  string
	Pub     []byte
	Label   string
	Person  nostr.PubKey // zero: local
	Since   int64        // unix ms
	Pairing *Pairing     // of a device that came by a link
}

// Pairing is what a pairing link is for.
type Pairing struct {
	Role      bunker.Role
	Label     string
	Person    nostr.PubKey // zero: local
	ExpiresAt int64        // of the device, unix ms
	By        string
}

// OpenSession is one session.
type OpenSession struct {
	ID        string
	Device    string
	Label     string
	Person    nostr.PubKey
	Confirmed bool
	OpenedAt  int64 // unix ms
	LastAt    int64
	Until     int64
}

// PairWait is how long one device.wait waits at most.
const PairWait = 25 * time.Second

func sessionCommands(t *Table) {
	add(t, Command{
		Name: "session.list", Summary: "Lists who is logged in from afar: yourself, and for an owner everybody.",
		Role: bunker.Viewer, Doors: local(), Scope: Scope{Self: true},
	}, t.sessionList)
	add(t, Command{
		Name: "session.end", Summary: "Ends a session from afar.",
		Role: bunker.Viewer, Doors: local(), Scope: Scope{Self: true}, Writes: true,
	}, t.sessionEnd)
}

type sessionView struct {
	ID        string `json:"id"`
	Device    string `json:"device"`
	Label     string `json:"label"`
	Person    string `json:"person" doc:"an npub, or local"`
	Confirmed bool   `json:"confirmed" doc:"no: it may only ask to be confirmed"`
	OpenedAt  Time   `json:"opened_at"`
	LastAt    Time   `json:"last_at"`
	Until     Time   `json:"until"`
}

type sessionListResult struct {
	Sessions []sessionView `json:"sessions"`
}

func (t *Table) sessionList(_ context.Context, c *Call, _ Empty) (sessionListResult, error) {
	res := sessionListResult{Sessions: []sessionView{}}
	if t.Sessions == nil {
		return res, nil
	}
	for _, s := range t.Sessions.Open() {
		if minds(c.Principal, s.Person, s.Device) {
			res.Sessions = append(res.Sessions, sessionView{
				s.ID, s.Device, bunker.Display(s.Label, MaxName), personWords(s.Person), s.Confirmed, Time(s.OpenedAt), Time(s.LastAt), Time(s.Until),
			})
		}
	}
	return res, nil
}

type sessionEndParams struct {
	Session string `json:"session" doc:"its id, from session.list"`
}

type sessionEndResult struct {
	Ended int `json:"ended"`
}

func (t *Table) sessionEnd(ctx context.Context, c *Call, p sessionEndParams) (sessionEndResult, error) {
	if t.Sessions != nil {
		for _, s := range t.Sessions.Open() {
			if s.ID != p.Session || !minds(c.Principal, s.Person, s.Device) {
				continue
			}
			rec := &bunker.AuditRecord{Object: s.Device, Reason: "the session of " + personWords(s.Person)}
			if err := c.Commit(ctx, rec, func(Tx) error { return nil }); err != nil {
				return sessionEndResult{}, err
			}
			return sessionEndResult{t.Sessions.End(s.ID)}, nil
		}
	}
	return sessionEndResult{}, bunker.Errorf(bunker.CodeNotFound, "there is no such session").In("session").WithHint("nsecbunker session list")
}

// minds reports whether a principal may see and end what belongs to a person, on a
// device: its own, and for an owner everybody's. Devices that were paired without an
// npub are nobody's in common: each of them minds itself alone.
func minds(p bunker.Principal, person nostr.PubKey, device string) bool {
	switch {
	case p.Role >= bunker.Owner && len(p.Keys) == 0:
		return true
	case p.Door != bunker.DoorRelay || p.PubKey != person:
		return false
	}
	return !person.IsZero() || p.Device != "" && p.Device == device
}

// personWords names a person.
func personWords(p nostr.PubKey) string {
	if p.IsZero() {
		return "local"
	}
	return nip19.EncodeNpub(p)
}
