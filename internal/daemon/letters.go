package daemon

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/notify"
	"nsecbunker/internal/relay"
	"nsecbunker/internal/store"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip59"
)

const (
	// lettersSince is how far back direct messages are asked for: gift wraps are
	// dated up to two days back (NIP-59).
	lettersSince = nip59.MaxTweak + time.Hour
	// lettersRate and lettersBurst are direct messages a second that are opened. A
	// wrap hides who wrote it, so nobody has reserved capacity here: a flood can
	// keep answers by direct message away, and nothing else.
	lettersRate  = 20
	lettersBurst = 200
	// lettersSeen is how many messages are remembered, so that one that comes by
	// several relays, or again after a reconnect, is read once.
	lettersSeen = 4096
	// letterBytes is the size of the largest direct message that is read.
	letterBytes = 64 << 10
	// kindLetter is a direct message of NIP-04.
	kindLetter nostr.Kind = 4
)

// letters is a tenant's direct messages: out, and the answers to them.
type letters struct {
	t        *tenant
	key      atomic.Pointer[nostr.PubKey] // nil before the first channel of kind nostr
	limit    *rate.Limiter
	channels atomic.Int64 // of any kind that the tenant has, as they were read last
	making   sync.Mutex   // of the key
	boxes    mailboxes

	mu    sync.Mutex
	seen  map[nostr.ID]bool
	told  []string       // relays that know where the key takes messages
	heard sync.WaitGroup // answers that are worked on
}

// openPost makes the relay connections of direct messages. They are others than those
// of the rest, since other kinds are asked for, and further back; without a channel
// that can be answered there are none.
func (d *Daemon) openPost(context.Context) (err error) {
	d.post, err = relay.New(relay.Config{
		Dialer: d.dialer, Log: d.Log, Now: d.store.LedgerTime, UserAgent: "nsecbunker/" + d.Version, Since: lettersSince, Several: d.Config.Hosted,
		Handle: d.takeLetter,
		Auth: func(_ context.Context, url, challenge string) (out []*nostr.Event, err error) {
			return d.prove(d.posted.on(url, maxAuthKeys), url, challenge)
		},
	})
	return err
}

// wantPost has direct messages heard.
func (d *Daemon) wantPost(want map[string][]nostr.PubKey) error {
	return d.post.Want(want, nip59.KindWrap, kindLetter)
}

func (d *Daemon) runPost(ctx context.Context) error {
	defer func() {
		for _, t := range d.tenants.all() {
			t.letters.heard.Wait()
		}
	}()
	return d.post.Run(ctx)
}

// takeLetter is a message from a relay.
func (d *Daemon) takeLetter(_ context.Context, url string, raw relay.RawEvent) {
	if len(raw) > letterBytes {
		return
	}
	ev, err := nostr.ParseEvent(raw)
	if err != nil {
		return
	}
	to, err := nostr.ParsePubKey(ev.Tags.Find("p").Value())
	if err != nil {
		return
	}
	if t := d.tenants.of(to); t != nil {
		t.letters.take(url, to, ev)
	}
}

// ready makes the key that messages come from, once.
func (l *letters) ready(ctx context.Context) error {
	l.making.Lock()
	defer l.making.Unlock()
	if l.key.Load() != nil {
		return nil
	}
	t := l.t
	pub, wrapped, err := t.vault.NewServiceKey(t.id, bunker.RoleNotifier)
	if err != nil {
		return err
	}
	k := bunker.ServiceKey{Tenant: t.id, PubKey: pub, Role: bunker.RoleNotifier, Ciphertext: wrapped, CreatedAt: t.store.LedgerTime().UnixMilli()}
	err = t.store.Change(ctx, t.id, System(), func(tx *store.Tx) error {
		if there, err := tx.HasServiceKey(bunker.RoleNotifier); err != nil || there {
			return errors.Join(err, errMadeMeanwhile)
		}
		return errors.Join(tx.AddServiceKey(&k), tx.Audit(bunker.AuditRecord{Action: "notify.newkey", Object: pub.String()}))
	})
	if errors.Is(err, errMadeMeanwhile) && t.together != nil {
		return t.loadServiceKeys(ctx)
	}
	if err != nil {
		return err
	}
	if err := t.vault.LoadServiceKey(k); err != nil {
		return err
	}
	l.key.Store(&pub)
	return nil
}

// reload subscribes where answers may come, and returns every relay that an owner
// named for direct messages.
func (l *letters) reload(ctx context.Context) (named []string) {
	t := l.t
	key := l.key.Load()
	channels, err := t.store.Channels(ctx, t.id)
	if err != nil && ctx.Err() == nil {
		t.Log.Error("a channel of notices cannot be used", "error", err)
	}
	l.channels.Store(int64(len(channels)))
	want := map[string][]nostr.PubKey{}
	for i := range channels {
		c := &channels[i]
		if c.Kind != bunker.ChannelNostr || key == nil {
			continue
		}
		named = append(named, c.Settings.Relays...)
		for _, u := range l.relaysOf(c) {
			if c.Settings.Answers && t.doesJobs() {
				want[u] = []nostr.PubKey{*key}
			}
		}
	}
	if err := t.wantPost(t.posted.put(t.id, want)); err != nil {
		t.Log.Error("answers by direct message are not heard everywhere", "error", err)
	}
	return named
}

// relaysOf are the relays of a channel, at most [admin.MaxDMRelays]; the embedded
// one carries no direct messages.
func (l *letters) relaysOf(c *bunker.Channel) []string {
	urls := c.Settings.Relays
	if len(urls) == 0 {
		urls = l.t.ring.appRelays()
	}
	own := l.t.ring.ownURLs()
	var out []string
	for _, u := range urls {
		if !slices.Contains(own, u) && len(out) < admin.MaxDMRelays {
			out = append(out, u)
		}
	}
	return out
}

// Send implements notify.Letters.
func (l *letters) Send(ctx context.Context, c *bunker.Channel, to nostr.PubKey, text string, at time.Time) ([]string, error) {
	t, key, urls := l.t, l.key.Load(), l.relaysOf(c)
	if key == nil || len(urls) == 0 {
		return nil, errors.New("there is no relay for direct messages; name one for the channel, or add one: nsecbunker relay add wss://…")
	}
	now := t.store.LedgerTime()
	first, then := l.routes(ctx, c, to)
	if c.Settings.Answers {
		l.tellRelays(ctx, *key, urls, first, now)
	}
	ev, err := t.vault.Letter(t.id, *key, to, c.Settings.Legacy, text, at, now)
	if err != nil {
		return nil, err
	}
	took, refused := l.deliver(ctx, ev, first, then)
	if len(took) == 0 {
		return nil, fmt.Errorf("no relay took it: %s", strings.Join(refused, "; "))
	}
	return took, nil
}

// tellRelays publishes where the key takes messages, once a start and relay: there,
// and where its reader looks.
func (l *letters) tellRelays(ctx context.Context, key nostr.PubKey, urls, reader []string, now time.Time) {
	l.mu.Lock()
	fresh := slices.DeleteFunc(append(slices.Clone(urls), reader...), func(u string) bool { return slices.Contains(l.told, u) })
	l.mu.Unlock()
	slices.Sort(fresh)
	fresh = slices.Compact(fresh)
	if len(fresh) == 0 {
		return
	}
	ev, err := l.t.vault.LetterRelays(l.t.id, key, urls, now)
	if err != nil {
		l.t.Log.Error("the list of relays for direct messages could not be signed", "error", err)
		return
	}
	took, _ := l.publish(ctx, ev, fresh)
	l.mu.Lock()
	l.told = append(l.told, took...)
	l.mu.Unlock()
}

// publish sends an event to relays and waits for what each of them says.
func (l *letters) publish(ctx context.Context, ev *nostr.Event, urls []string) (took, refused []string) {
	type verdict struct {
		url, reason string
		ok          bool
	}
	results := make(chan verdict, len(urls))
	l.t.post.PublishEvent(ctx, l.t.id, ev, urls, func(url string, ok bool, reason string) { results <- verdict{url, reason, ok} })
	for range urls {
		select {
		case v := <-results:
			if v.ok {
				took = append(took, v.url)
			} else {
				refused = append(refused, v.url+" said "+bunker.Display(v.reason, 100))
			}
		case <-ctx.Done():
			return took, append(refused, "the others did not answer in time")
		}
	}
	return took, refused
}

// take is a message to a key of the tenant's.
func (l *letters) take(url string, to nostr.PubKey, ev *nostr.Event) {
	key := l.key.Load()
	if key == nil || *key != to || l.known(ev.ID) || !l.allow() {
		return
	}
	if err := ev.Verify(); err != nil {
		l.t.post.BadSignature(url)
		return
	}
	l.note(ev.ID)
	letter, err := l.t.vault.OpenLetter(l.t.id, *key, ev)
	if err != nil {
		l.t.Log.Debug("a direct message cannot be read", "error", err)
		return
	}
	// The same message may come in another wrap.
	if letter.ID != ev.ID {
		if l.known(letter.ID) {
			return
		}
		l.note(letter.ID)
	}
	l.heard.Go(func() { l.answer(letter) })
}

// answer does what a message says, and writes back.
func (l *letters) answer(m vault.Letter) {
	ctx, cancel := context.WithTimeout(l.t.working, time.Minute)
	defer cancel()
	n, err := l.t.theNotifier()
	if err != nil {
		l.t.Log.Error("an answer by direct message cannot be worked on", "error", err)
		return
	}
	text := n.Heard(ctx, m.From, m.Text)
	if text == "" {
		return
	}
	channels, _ := l.t.store.Channels(ctx, l.t.id) // a bad row is told where notices are sent
	for i := range channels {
		c := &channels[i]
		if c.Kind != bunker.ChannelNostr || c.Settings.Target != m.From.String() || !c.Settings.Answers {
			continue
		}
		if _, err := l.Send(ctx, c, m.From, text, l.t.store.LedgerTime()); err != nil {
			l.t.Log.Warn("an answer by direct message could not be confirmed", "error", err)
		}
		return
	}
}

// allow spends one message of what is opened in a second.
func (l *letters) allow() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limit == nil {
		l.limit = rate.NewLimiter(lettersRate, lettersBurst)
	}
	return l.limit.Allow()
}

func (l *letters) known(id nostr.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[id]
}

func (l *letters) note(id nostr.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.seen) >= lettersSeen {
		clear(l.seen) // a code is good once all the same
	}
	if l.seen == nil {
		l.seen = map[nostr.ID]bool{}
	}
	l.seen[id] = true
}

// Code implements notify.Letters.
func (l *letters) Code(n bunker.NoticeID, q *bunker.Approval, person nostr.PubKey) (string, error) {
	code, err := l.t.vault.AnswerCode(l.t.id, n, q, person)
	if err != nil {
		return "", err
	}
	return notify.FormatCode(bunker.CodeText(code[:])), nil
}

// Person implements notify.Letters. Everything is read now, from verified rows.
func (l *letters) Person(ctx context.Context, pub nostr.PubKey) (p bunker.Principal, err error) {
	t := l.t
	a, err := t.store.Admin(ctx, t.id, pub)
	if err != nil {
		return p, err
	}
	if a.Role < bunker.Approver || a.ActiveAt > t.store.LedgerTime().UnixMilli() {
		return p, bunker.Errorf(bunker.CodeRestricted, "answers by direct message need the role approver")
	}
	switch own, err := t.isUserKey(ctx, pub); {
	case err != nil:
		return p, err
	case own:
		return p, bunker.Errorf(bunker.CodeRestricted, "the admin's npub is a user key here, so whoever it signs for could answer")
	}
	// Whatever the person's role: this door is for answers.
	return bunker.Principal{Name: nip19.EncodeNpub(pub), Role: bunker.Approver, Door: bunker.DoorDM, PubKey: pub, Keys: a.Keys}, nil
}

// Told implements notify.Letters.
func (l *letters) Told(ctx context.Context, channel string) ([]bunker.Notice, error) {
	return l.t.store.ToldQuestions(ctx, l.t.id, channel)
}

// Use implements notify.Letters.
func (l *letters) Use(ctx context.Context, n bunker.NoticeID) (bool, error) {
	return l.t.store.UseCode(ctx, l.t.id, n)
}

// Wrong implements notify.Letters.
func (l *letters) Wrong(ctx context.Context, person nostr.PubKey, add bool) (int, error) {
	t := l.t
	l.making.Lock()
	defer l.making.Unlock()
	what, now := "dm "+person.String(), t.store.LedgerTime().UnixMilli()
	n, at, err := t.store.Tries(ctx, t.id, what)
	if err != nil {
		return 0, err
	}
	if now-at >= notify.WrongWindow.Milliseconds() {
		n, at = 0, now
	}
	if !add {
		return n, nil
	}
	n++
	if err := t.store.PutTries(ctx, t.id, what, n, at); err != nil || n != notify.MaxWrong {
		return n, err
	}
	return n, t.store.Change(ctx, t.id, System(), func(tx *store.Tx) error {
		return tx.Audit(bunker.AuditRecord{Action: "notify.codes", Object: nip19.EncodeNpub(person), Reason: "wrong codes by direct message; its answers rest for an hour", Count: int64(n)})
	})
}

// Answer implements notify.Letters.
func (l *letters) Answer(ctx context.Context, p bunker.Principal, q *bunker.Approval, deny bool) error {
	params, err := json.Marshal(map[string]any{"id": string(q.ID), "digest": hex.EncodeToString(q.OpDigest[:]), "deny": deny})
	if err != nil {
		return err
	}
	_, err = l.t.Dispatch(ctx, p, "approval.answer", params)
	return err
}
