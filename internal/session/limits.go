package session

import "time"

// Bounds of the relay door.
const (
	// HelloRate is how many challenges a second who comes by one link gets, and
	// AllHelloRate all together; beyond that there is silence.
	HelloRate    = 10
	AllHelloRate = 40
	// ProofRate and AllProofRate are the same for what may be a proof.
	ProofRate    = 10
	AllProofRate = 40
	// TellRate is how many a second hear that they are no admin.
	TellRate = 5
	// MaxLinks is for how many links that is remembered.
	MaxLinks = 1024
	// MaxSessions is how many sessions there are at once; of more, the one that was
	// silent longest ends.
	MaxSessions = 128
	// MaxSessionsOf is the same for one person.
	MaxSessionsOf = 16
	// MaxWaiting is how many devices can wait to be confirmed, MaxWaitingOf those of
	// one person.
	MaxWaiting   = 16
	MaxWaitingOf = 4
	// WaitingLife is how long a device waits to be confirmed.
	WaitingLife = 10 * time.Minute
	// AsksPerHour is how often unknown devices of one person may ask to be confirmed.
	AsksPerHour = 20
	// MaxPairings is how many pairing links are open at once.
	MaxPairings = 16
	// MaxEnded is how many ended sessions are remembered.
	MaxEnded = 4096
	// OrderRate and OrderBurst bound what is ordered in one session, a second.
	OrderRate  = 50
	OrderBurst = 200
	// MaxRunning is how many orders of one session are worked on at once.
	MaxRunning = 8
	// KeptBytes is how many bytes of answers one session keeps to send again.
	KeptBytes = 16 << 20
	// AllKeptBytes is the same for all sessions of a bunker: of more, who was silent
	// longest loses his.
	AllKeptBytes = 32 << 20
	// NoticeRate and NoticeBurst bound the notices of one session, a second. What is
	// more is counted, so that the client sees the gap and looks anew.
	NoticeRate  = 50
	NoticeBurst = 200
	// CommandTimeout ends a command that takes too long.
	CommandTimeout = 2 * time.Minute
)

// bucket lets so many pass a second.
type bucket struct {
	rate, burst float64
	have        float64
	at          time.Time
}

func newBucket(rate, burst float64) *bucket { return &bucket{rate: rate, burst: burst, have: burst} }

func (b *bucket) allow(now time.Time) bool {
	if !b.ready(now) {
		return false
	}
	b.have--
	return true
}

// ready is allow that spends nothing.
func (b *bucket) ready(now time.Time) bool {
	if past := now.Sub(b.at).Seconds(); past > 0 && !b.at.IsZero() {
		b.have = min(b.burst, b.have+past*b.rate)
	}
	b.at = now
	return b.have >= 1
}

// buckets are one for each link, and one over all.
type buckets struct {
	rate  float64
	links map[string]*bucket
	all   *bucket
}

func newBuckets(rate, all float64) *buckets {
	return &buckets{rate: rate, links: map[string]*bucket{}, all: newBucket(all, all)}
}

func (b *buckets) allow(link string, now time.Time) bool {
	l, ok := b.links[link]
	if !ok {
		if len(b.links) >= MaxLinks {
			clear(b.links)
		}
		l = newBucket(b.rate, b.rate)
		b.links[link] = l
	}
	return l.allow(now) && b.all.allow(now)
}
