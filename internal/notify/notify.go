// Package notify tells people what waits for them: a question, its answer, an
// alarm. It reads what was committed in the log, so it never tells of what did
// not happen, and the path of a request never waits for it.
//
// # The way of a notice
//
//	record ──plan──> outbox (one row a channel) ──gather──> message ──> channel
//
// The rows and the place in the log up to which it was read are stored together:
// a kill at any moment loses nothing. A try is noted before it is made, and its
// outcome after; what is killed between the two is tried again, under the same
// name, by which whoever gets it can tell (at least once). Notices name neither
// key, app nor content; a channel may be told to name app and key.
package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"nsecbunker/internal/bunker"
)

// Log is the audit log, as notices are made of it.
type Log interface {
	Happened(ctx context.Context, after int64, limit int) (recs []bunker.AuditRecord, upTo int64, err error)
	Head(ctx context.Context) (int64, error)
	NoticesSeen(ctx context.Context) (seq int64, ok bool, err error)
}

// Outbox keeps notices until they are told.
type Outbox interface {
	AddNotices(ctx context.Context, seen int64, list []bunker.Notice) error
	WaitingNotices(ctx context.Context) ([]bunker.Notice, error)
	TryNotices(ctx context.Context, batch bunker.NoticeID, ids []bunker.NoticeID, again int64) error
	EndNotices(ctx context.Context, ids []bunker.NoticeID, state bunker.NoticeState, why string) error
	SentTo(ctx context.Context, channel string, since int64) (n int, last int64, err error)
	PruneNotices(ctx context.Context) error
}

// Around is the bunker that notices are about.
type Around interface {
	// Channels are those whose rows are right; the error names the others.
	Channels(ctx context.Context) ([]bunker.Channel, error)
	// Question is a question as it stands.
	Question(ctx context.Context, id bunker.ApprovalID) (*bunker.Approval, error)
	// Names are what an app and a key are called here, for channels with details;
	// "" for what is not known.
	Names(ctx context.Context, c bunker.ConnectionID, key bunker.KeyID) (app, name string)
	// Secret opens a channel's secret; the caller wipes it.
	Secret(c *bunker.Channel) ([]byte, error)
	// Sealed reports that questions cannot be answered now.
	Sealed() bool
	// Conditions are what is wrong right now, without a record of its own.
	Conditions(ctx context.Context) []Condition
}

// Condition is something that is wrong for as long as it lasts. A source is told
// once in each channel, so it names the condition and its day or its beginning.
type Condition struct {
	Kind   bunker.NoticeKind
	Source string
	Object string
}

// Config is what New needs; every field but Letters, Push and TLS.
type Config struct {
	// Wake has Step called soon. It must return at once, and is called from anywhere.
	Wake   func()
	Log    Log
	Outbox Outbox
	Around Around
	// HTTP makes every request: the outbound dialer's client. Dial makes every
	// other connection.
	HTTP   *http.Client
	Dial   DialFunc
	Now    func() time.Time // ledger time
	Logger *slog.Logger
	// Letters sends direct messages; nil: there are none.
	Letters Letters
	// Push has the key pair of Web Push; nil: there is none.
	Push PushKey
	// Mine reports that notices are this instance's to make and send. nil: there is no
	// other one.
	Mine func() bool
	// TLS is the base of mail's TLS settings; nil: the system's roots.
	TLS *tls.Config
}

// Notifier tells the people of one bunker. Step does the work; it and Prune are
// called by one goroutine, the one of all bunkers of the instance.
type Notifier struct {
	Config
	senders map[bunker.ChannelKind]sender
	begun   bool
	seen    int64     // up to which record notices were made
	stored  int64     // the same, as it is stored: never later than seen
	looked  time.Time // when conditions were looked at

	again atomic.Bool // conditions are to be looked at now

	mu   sync.Mutex
	busy map[string]bool // channels that a message is under way to
	work sync.WaitGroup
}

// sender is one kind of channel. said is what the other side answered, in words
// for people; an error's words are for people, too.
type sender interface {
	send(ctx context.Context, c *bunker.Channel, secret []byte, m *Message) (said string, err error)
}

// New returns a Notifier that does nothing yet.
func New(c Config) (*Notifier, error) {
	if c.Wake == nil || c.Log == nil || c.Outbox == nil || c.Around == nil || c.HTTP == nil || c.Dial == nil || c.Now == nil || c.Logger == nil {
		return nil, errors.New("notify: the configuration is incomplete")
	}
	n := &Notifier{Config: c, busy: map[string]bool{}}
	n.senders = map[bunker.ChannelKind]sender{
		bunker.ChannelNtfy:    ntfy{c.HTTP},
		bunker.ChannelWebhook: webhook{c.HTTP, c.Now},
		bunker.ChannelNostr:   letters{n},
		bunker.ChannelMail:    mailer{c.Dial, c.TLS},
		bunker.ChannelPush:    push{c.HTTP, c.Push},
	}
	return n, nil
}

// Wait returns when no message is under way any more: at the end.
func (n *Notifier) Wait() { n.work.Wait() }

// Look has conditions looked at by the next Step, whenever that was done last.
func (n *Notifier) Look() { n.again.Store(true) }

// Prune removes old notices.
func (n *Notifier) Prune(ctx context.Context) {
	if err := n.Outbox.PruneNotices(ctx); err != nil && ctx.Err() == nil {
		n.Logger.Error("old notices could not be removed", "error", err)
	}
}

// begin finds the place in the log. A bunker that never told anybody begins
// with what comes, or, where somebody is to be told already, with the whole log: no
// channel hears of what was before it.
func (n *Notifier) begin(ctx context.Context) error {
	seen, ok, err := n.Log.NoticesSeen(ctx)
	if err == nil && !ok {
		seen, err = n.Log.Head(ctx)
		// Read after the head: what follows a channel that is not among them is yet to come.
		if channels, chErr := n.Around.Channels(ctx); err == nil && (len(channels) > 0 || chErr != nil) {
			seen = 0
		}
		if err == nil {
			err = n.Outbox.AddNotices(ctx, seen, nil)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	n.seen, n.stored = seen, seen
	return err
}

// Step makes notices of what happened, and sends what is due. It returns after how
// long it is to be called again at the latest; 0: not before it is woken, or
// something is committed.
func (n *Notifier) Step(ctx context.Context) time.Duration {
	if n.Mine != nil && !n.Mine() {
		n.begun = false // another instance does it; how far, is stored
		return lookEvery
	}
	if !n.begun {
		if err := n.begin(ctx); err != nil {
			// A database's server may be away for a moment, and the bunker goes on.
			n.Logger.Error("how far notices are could not be read", "error", err)
			return lookEvery
		}
		n.begun = ctx.Err() == nil
	}
	channels, again, ok := n.plan(ctx)
	if !ok {
		return lookEvery
	}
	waits, err := n.dispatch(ctx, channels)
	if err != nil && ctx.Err() == nil {
		n.Logger.Error("notices could not be sent", "error", err)
	}
	if err != nil || waits {
		again = lookEvery
	}
	return again
}
