package signerrelay

import (
	"errors"
	"fmt"
	"time"
)

// The default of every bound that a provider may move. The fields of Limits of the same name say what each one bounds.
const (
	// DefaultMaxConns is the default of Limits.MaxConns.
	DefaultMaxConns = 4096
	// DefaultMaxConnsPerIP is the default of Limits.MaxConnsPerIP. Offices and mobile carriers share addresses.
	DefaultMaxConnsPerIP = 64
	// DefaultConnRatePerIP is the default of Limits.ConnRatePerIP.
	DefaultConnRatePerIP = 5
	// DefaultMaxFrame is the default of Limits.MaxFrame: an event whose content is NIP-44 with the extended length
	// prefix passes 64 KiB, so 1 MiB.
	DefaultMaxFrame = 1 << 20
	// DefaultMaxTags is the default of Limits.MaxTags. A NIP-46 event has one.
	DefaultMaxTags = 100
	// DefaultMaxSubs is the default of Limits.MaxSubs.
	DefaultMaxSubs = 64
	// DefaultMaxFilters is the default of Limits.MaxFilters.
	DefaultMaxFilters = 16
	// DefaultMaxP is the default of Limits.MaxP (security.md, section 5).
	DefaultMaxP = 100
	// DefaultMaxAuthed is the default of Limits.MaxAuthed.
	DefaultMaxAuthed = 1000
	// DefaultMaxValuesPerConn is the default of Limits.MaxValuesPerConn.
	DefaultMaxValuesPerConn = 4000
	// DefaultMaxValues is the default of Limits.MaxValues.
	DefaultMaxValues = 500_000
	// DefaultMaxListeners is the default of Limits.MaxListeners.
	DefaultMaxListeners = 64
	// DefaultEventRate is the default of Limits.EventRate.
	DefaultEventRate = 100
	// DefaultEventBurst is the default of Limits.EventBurst: clients decrypt hundreds of wraps at once.
	DefaultEventBurst = 2000
	// DefaultEventRatePerIP is the default of Limits.EventRatePerIP.
	DefaultEventRatePerIP = 400
	// DefaultEventBurstPerIP is the default of Limits.EventBurstPerIP.
	DefaultEventBurstPerIP = 4000
	// DefaultReqRate is the default of Limits.ReqRate.
	DefaultReqRate = 20
	// DefaultReqBurst is the default of Limits.ReqBurst.
	DefaultReqBurst = 200
	// DefaultReqRatePerIP is the default of Limits.ReqRatePerIP.
	DefaultReqRatePerIP = 100
	// DefaultReqBurstPerIP is the default of Limits.ReqBurstPerIP.
	DefaultReqBurstPerIP = 1000
	// DefaultMaxBadPerMinute is the default of Limits.MaxBadPerMinute.
	DefaultMaxBadPerMinute = 20
	// DefaultMaxInFlight is the default of Limits.MaxInFlight.
	DefaultMaxInFlight = 256
	// DefaultMaxInFlightBytes is the default of Limits.MaxInFlightBytes.
	DefaultMaxInFlightBytes = 64 << 20
	// DefaultMaxQueue is the default of Limits.MaxQueue.
	DefaultMaxQueue = 4096
	// DefaultMaxQueueBytes is the default of Limits.MaxQueueBytes.
	DefaultMaxQueueBytes = 8 << 20
	// DefaultMaxQueuedBytes is the default of Limits.MaxQueuedBytes.
	DefaultMaxQueuedBytes = 256 << 20
	// DefaultKeepFor is the default, and the most, of Limits.KeepFor.
	DefaultKeepFor = 60 * time.Second
	// DefaultMaxKeptPerKey is the default of Limits.MaxKeptPerKey.
	DefaultMaxKeptPerKey = 256
	// DefaultMaxKeptBytesPerKey is the default of Limits.MaxKeptBytesPerKey.
	DefaultMaxKeptBytesPerKey = 2 << 20
	// DefaultMaxKept is the default of Limits.MaxKept.
	DefaultMaxKept = 2048
	// DefaultMaxKeptBytes is the default of Limits.MaxKeptBytes: under full load, replies of the last half second. What
	// nobody took is published again by the bunker.
	DefaultMaxKeptBytes = 2 << 20
	// DefaultMaxWait is the default of Limits.MaxWait.
	DefaultMaxWait = 5 * time.Second
	// DefaultDeliverTimeout is the default of Limits.DeliverTimeout.
	DefaultDeliverTimeout = 60 * time.Second
	// DefaultWriteTimeout is the default of Limits.WriteTimeout.
	DefaultWriteTimeout = 10 * time.Second
	// DefaultFrameTimeout is the default of Limits.FrameTimeout.
	DefaultFrameTimeout = 30 * time.Second
	// DefaultPingEvery is the default of Limits.PingEvery. Many proxies cut what is silent for 60 s.
	DefaultPingEvery = 25 * time.Second
	// DefaultPongTimeout is the default of Limits.PongTimeout.
	DefaultPongTimeout = 20 * time.Second
	// DefaultIdleTimeout is the default of Limits.IdleTimeout.
	DefaultIdleTimeout = 2 * time.Minute
	// DefaultMinAge is the default of Limits.MinAge.
	DefaultMinAge = 10 * time.Second
)

// Bounds that are part of the protocol or of how the relay is built, and so not for configuration.
const (
	// MaxSubID is the longest subscription id in characters (NIP-01).
	MaxSubID = 64
	// MaxReason is the longest reason, in bytes, that an OK carries from Deliver to the client.
	MaxReason = 512
	// MaxDepth is how deep JSON may nest in a client's message; an event needs 3 (message, event, tags, tag).
	MaxDepth = 8
	// MaxVerb is the longest name of a message in bytes.
	MaxVerb = 32
	// MaxName is the longest name of a member of a JSON object in a message, in bytes.
	MaxName = 64
	// MaxFields is the number of members that a JSON object in a message may have.
	MaxFields = 64
	// MaxIPs bounds the table of addresses; those beyond share one entry, and so one set of limits.
	MaxIPs = 65_536
	// MaxSpeaks is how many authors of accepted events are remembered for one connection.
	MaxSpeaks = 64
	// MaxRoutedP is how many `p` values of one event are looked at. A NIP-46 event has one.
	MaxRoutedP = 16
	// FreeValues is how many listed values each connection may have without counting towards Limits.MaxValues, so
	// that a flood of large subscriptions never shuts out an ordinary client.
	FreeValues = 32
	// RenewalRate is how many REQs a second of one connection may repeat what a subscription hears already.
	RenewalRate = 500
	// RenewalBurst is how many of them may come at once.
	RenewalBurst = 1000
	// SmallFrame is the size in bytes up to which a frame is read without asking the shared budget for memory.
	SmallFrame = 64 << 10
	// MinCost is what an event in flight costs of Limits.MaxInFlightBytes at least: it is a goroutine and a place in
	// the bunker's queues, however short it is.
	MinCost = 16 << 10
	// LiveTolerance is by how much `since` is read back for live events. Clients subscribe with `since: now` by a clock
	// of their own; the bunker accepts requests of clocks some minutes ahead, and so their answers must come through.
	LiveTolerance = 15 * time.Minute
	// ControlRate is how many pings and pongs a client may send in a second, with bursts of ControlBurst; one that sends
	// more is cut off. They are answered before any other limit can see them.
	ControlRate = 10
	// ControlBurst belongs to ControlRate.
	ControlBurst = 100
	// closeGrace bounds the polite end of a connection; then it is cut.
	closeGrace = time.Second
	// tick is how often the janitor runs.
	tick = time.Second
)

// Limits bounds everything that a client can make the relay do or hold. Zero fields take the default of the same name.
// Rates are per second. "Per IP" is per IPv4 address or IPv6 /64, and does not apply to loopback addresses (Config.ClientIP).
type Limits struct {
	MaxConns      int     // connections in all; when full, the oldest that the bunker never answered makes room
	MaxConnsPerIP int     // connections of one address
	ConnRatePerIP float64 // new connections of one address; the burst is MaxConnsPerIP

	MaxFrame         int // bytes of one message, and so of one event
	MaxTags          int // tags of one event
	MaxSubs          int // subscriptions of one connection
	MaxFilters       int // filters of one REQ
	MaxP             int // `#p` values in one REQ that the connection has not authenticated as
	MaxAuthed        int // keys that one connection may authenticate as
	MaxValuesPerConn int // listed values (p, ids, authors, kinds) of all subscriptions of one connection
	MaxValues        int // the same of all connections, each beyond its FreeValues
	MaxListeners     int // subscriptions to one `p`

	EventRate       float64 // EVENTs of one connection
	EventBurst      int
	EventRatePerIP  float64
	EventBurstPerIP int
	ReqRate         float64 // REQ, CLOSE, AUTH and all others of one connection
	ReqBurst        int
	ReqRatePerIP    float64
	ReqBurstPerIP   int
	MaxBadPerMinute int // messages that cannot be read; a connection with more is cut off

	MaxInFlight      int // EVENTs of one connection being worked on
	MaxInFlightBytes int // bytes of EVENTs being read or worked on, all connections; half is kept for answered clients

	MaxQueue       int // messages waiting to be written to one connection; more and it is cut off
	MaxQueueBytes  int // bytes of them
	MaxQueuedBytes int // bytes of them on all connections

	KeepFor            time.Duration // how long a reply is kept for a client that reconnects; ≤ 60 s; negative keeps none
	MaxKeptPerKey      int           // replies kept for one client
	MaxKeptBytesPerKey int
	MaxKept            int // replies kept for all clients
	MaxKeptBytes       int

	MaxWait        time.Duration // how long a message waits for its rate or a place before it is refused as rate-limited
	DeliverTimeout time.Duration // how long the bunker may take to commit an event
	WriteTimeout   time.Duration // how long one message may take to be written
	FrameTimeout   time.Duration // how long one message may take to arrive, from its first byte
	PingEvery      time.Duration // between pings
	PongTimeout    time.Duration // how long an answer to a ping may take
	IdleTimeout    time.Duration // a connection without subscriptions and without messages ends after it
	MinAge         time.Duration // a connection younger than this is never ended to make room
}

// withDefaults fills zero fields and refuses what cannot work.
func (l Limits) withDefaults() (Limits, error) {
	for _, f := range []struct {
		at  *int
		def int
	}{
		{&l.MaxConns, DefaultMaxConns}, {&l.MaxConnsPerIP, DefaultMaxConnsPerIP},
		{&l.MaxFrame, DefaultMaxFrame}, {&l.MaxTags, DefaultMaxTags}, {&l.MaxSubs, DefaultMaxSubs},
		{&l.MaxFilters, DefaultMaxFilters}, {&l.MaxP, DefaultMaxP}, {&l.MaxAuthed, DefaultMaxAuthed},
		{&l.MaxValuesPerConn, DefaultMaxValuesPerConn}, {&l.MaxValues, DefaultMaxValues},
		{&l.MaxListeners, DefaultMaxListeners}, {&l.EventBurst, DefaultEventBurst},
		{&l.EventBurstPerIP, DefaultEventBurstPerIP}, {&l.ReqBurst, DefaultReqBurst},
		{&l.ReqBurstPerIP, DefaultReqBurstPerIP}, {&l.MaxBadPerMinute, DefaultMaxBadPerMinute},
		{&l.MaxInFlight, DefaultMaxInFlight}, {&l.MaxInFlightBytes, DefaultMaxInFlightBytes},
		{&l.MaxQueue, DefaultMaxQueue}, {&l.MaxQueueBytes, DefaultMaxQueueBytes},
		{&l.MaxQueuedBytes, DefaultMaxQueuedBytes}, {&l.MaxKeptPerKey, DefaultMaxKeptPerKey},
		{&l.MaxKeptBytesPerKey, DefaultMaxKeptBytesPerKey}, {&l.MaxKept, DefaultMaxKept},
		{&l.MaxKeptBytes, DefaultMaxKeptBytes},
	} {
		if *f.at == 0 {
			*f.at = f.def
		}
		if *f.at < 0 {
			return l, fmt.Errorf("signer relay: a limit is negative (%d): give a positive number, or leave it out for the default %d", *f.at, f.def)
		}
	}
	for _, f := range []struct {
		at  *float64
		def float64
	}{
		{&l.ConnRatePerIP, DefaultConnRatePerIP}, {&l.EventRate, DefaultEventRate},
		{&l.EventRatePerIP, DefaultEventRatePerIP}, {&l.ReqRate, DefaultReqRate}, {&l.ReqRatePerIP, DefaultReqRatePerIP},
	} {
		if *f.at == 0 {
			*f.at = f.def
		}
		if !(*f.at > 0) { // NaN too
			return l, errors.New("signer relay: a rate is not positive: give a number above 0, or leave it out for the default")
		}
	}
	return l.withDefaultTimes()
}

func (l Limits) withDefaultTimes() (Limits, error) {
	for _, f := range []struct {
		at  *time.Duration
		def time.Duration
	}{
		{&l.MaxWait, DefaultMaxWait}, {&l.DeliverTimeout, DefaultDeliverTimeout}, {&l.WriteTimeout, DefaultWriteTimeout},
		{&l.FrameTimeout, DefaultFrameTimeout}, {&l.PingEvery, DefaultPingEvery}, {&l.PongTimeout, DefaultPongTimeout},
		{&l.IdleTimeout, DefaultIdleTimeout}, {&l.MinAge, DefaultMinAge},
	} {
		if *f.at == 0 {
			*f.at = f.def
		}
		if *f.at < 0 {
			return l, errors.New("signer relay: a time limit is negative: give a positive one, or leave it out for the default")
		}
	}
	if l.KeepFor == 0 {
		l.KeepFor = DefaultKeepFor
	}
	if l.KeepFor > DefaultKeepFor {
		return l, fmt.Errorf("signer relay: replies may be kept for at most %s, not %s: these kinds are ephemeral", DefaultKeepFor, l.KeepFor)
	}
	if l.MaxQueueBytes < l.MaxFrame {
		return l, fmt.Errorf("signer relay: an out queue of %d bytes cannot hold one message of %d: raise MaxQueueBytes or lower MaxFrame", l.MaxQueueBytes, l.MaxFrame)
	}
	if l.MaxInFlightBytes/2/ipShare <= max(l.MaxFrame, MinCost) {
		return l, fmt.Errorf("signer relay: %d bytes in flight are too few for messages of %d: give MaxInFlightBytes more than %d times MaxFrame", l.MaxInFlightBytes, l.MaxFrame, 2*ipShare)
	}
	return l, nil
}
