package inbox

import "time"

// Limits bounds everything volatile in the inbox. Zero fields take the default.
type Limits struct {
	// EventBytes is the size of the largest request event.
	EventBytes int
	// InFlight is how many requests of known clients are worked on at once; more
	// wait their turn at the relay that brought them.
	InFlight int
	// ClientRate and ClientBurst are requests a second of one known client: far
	// above what people and bulk decryption need, and a bound for the ledger.
	ClientRate  float64
	ClientBurst int
	// RefusalRate and RefusalBurst are how many of a client's requests a second are
	// written down although nothing is allowed by them: refused, or parked for a
	// person. Beyond it they end without a row, as one counted record a minute, so
	// that an app that was turned away cannot fill the disk.
	RefusalRate  float64
	RefusalBurst int
	// Clients is for how many clients that is remembered.
	Clients int
	// StrangersInFlight is how many events of strangers are worked on at once.
	StrangersInFlight int
	// TenantWaiting is how many requests of known clients wait for a place at most, of
	// a tenant with a quota: what comes over one relay for others does not wait behind
	// its flood.
	TenantWaiting int
	// StrangerRate and StrangerBurst are events of strangers a second, link and tenant.
	StrangerRate  float64
	StrangerBurst int
	// StrangerLinks is for how many links and tenants that is remembered.
	StrangerLinks int
	// StrangerReplies is how many generic errors strangers get of one tenant a minute, in all;
	// one a minute for each.
	StrangerReplies int
	// Seen is how many verified ids are remembered.
	Seen int
	// Held and HeldFor bound switch_relays requests that came before connect.
	Held    int
	HeldFor time.Duration
	// ResendEvery is how often one stored reply is sent again on demand.
	ResendEvery time.Duration
	// Sweep is how often what is due is looked for.
	Sweep time.Duration
	// SweepBatch is how many rows one look takes.
	SweepBatch int
	// Retries is how often a request whose ground moved is decided anew.
	Retries int
}

// DefaultLimits is what a bunker runs with.
var defaultLimits = Limits{
	EventBytes:        2 << 20,
	InFlight:          512,
	ClientRate:        200,
	ClientBurst:       5000,
	RefusalRate:       1,
	RefusalBurst:      1000,
	Clients:           1 << 15,
	StrangersInFlight: 16,
	TenantWaiting:     512,
	StrangerRate:      20,
	StrangerBurst:     60,
	StrangerLinks:     8192,
	StrangerReplies:   60,
	Seen:              1 << 16,
	Held:              256,
	HeldFor:           10 * time.Second,
	ResendEvery:       time.Second,
	Sweep:             2 * time.Second,
	SweepBatch:        500,
	Retries:           3,
}

// DefaultLimits returns what a bunker runs with.
func DefaultLimits() Limits { return defaultLimits }

func (l Limits) orDefault() Limits {
	d := defaultLimits
	pick(&d.EventBytes, l.EventBytes)
	pick(&d.InFlight, l.InFlight)
	pick(&d.ClientRate, l.ClientRate)
	pick(&d.ClientBurst, l.ClientBurst)
	pick(&d.RefusalRate, l.RefusalRate)
	pick(&d.RefusalBurst, l.RefusalBurst)
	pick(&d.Clients, l.Clients)
	pick(&d.StrangersInFlight, l.StrangersInFlight)
	pick(&d.TenantWaiting, l.TenantWaiting)
	pick(&d.StrangerRate, l.StrangerRate)
	pick(&d.StrangerBurst, l.StrangerBurst)
	pick(&d.StrangerLinks, l.StrangerLinks)
	pick(&d.StrangerReplies, l.StrangerReplies)
	pick(&d.Seen, l.Seen)
	pick(&d.Held, l.Held)
	pick(&d.HeldFor, l.HeldFor)
	pick(&d.ResendEvery, l.ResendEvery)
	pick(&d.Sweep, l.Sweep)
	pick(&d.SweepBatch, l.SweepBatch)
	pick(&d.Retries, l.Retries)
	return d
}

func pick[T comparable](dst *T, v T) {
	var zero T
	if v != zero {
		*dst = v
	}
}
