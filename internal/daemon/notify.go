package daemon

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/notify"
	"nsecbunker/internal/relay"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/store"
	"nsecbunker/nostr/nip19"
)

const (
	// sealedFor is how long after a start somebody may take to unseal it before that
	// is an alarm.
	sealedFor = time.Minute
	// relayDownFor is how long a relay may be unreachable before that is an alarm.
	relayDownFor = 30 * time.Minute
	// backupOldAfter is how old the last backup may be before that is an alarm.
	backupOldAfter = 35 * 24 * time.Hour
	// noticeBody bounds what is read of a server's answer to a notice, in bytes.
	noticeBody = 16 << 10
	// noticesEvery is how often what is due is looked for when nothing wakes us.
	noticesEvery = time.Second
	// pruneNoticesEvery is how often old notices are removed.
	pruneNoticesEvery = time.Hour
)

// theNotifier tells the tenant's people.
func (t *tenant) theNotifier() (*notify.Notifier, error) {
	return t.notifier.get(func() (*notify.Notifier, error) {
		o, client := outbox{t}, t.telling
		if t.guest() {
			client = t.abroad
		}
		return notify.New(notify.Config{
			Wake: func() { t.untold.add(t.id) },
			Log:  o, Outbox: o, Around: o, Now: t.steady.now, Logger: t.Log,
			HTTP: client, Dial: t.outside().DialContext, Letters: &t.letters, Push: pushKey{t}, Mine: t.doesJobs,
		})
	})
}

// runNotices tells people, of every tenant, until ctx ends and no message is under
// way any more.
func (d *Daemon) runNotices(ctx context.Context) error {
	defer func() {
		for _, t := range d.tenants.all() {
			if n := t.notifier.peek(); n != nil {
				n.Wait()
			}
		}
	}()
	look, prune := time.NewTicker(noticesEvery), time.NewTicker(pruneNoticesEvery)
	defer look.Stop()
	defer prune.Stop()
	due := map[bunker.TenantID]time.Time{} // when to look at the latest, by the machine's clock
	d.untold.add(d.home.id)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.untold.wake:
			for _, id := range d.untold.take() {
				d.tellPeople(ctx, id, due)
			}
		case now := <-look.C:
			due[d.home.id] = now
			for id, at := range due {
				if !now.Before(at) {
					d.tellPeople(ctx, id, due)
				}
			}
		case <-prune.C:
			for _, t := range d.tenants.all() {
				if n := t.notifier.peek(); n != nil {
					n.Prune(ctx)
				}
			}
		}
	}
}

// tellPeople looks at what one tenant's people are to be told. Of a tenant whose
// people nobody has dealt with there is nothing.
func (d *Daemon) tellPeople(ctx context.Context, id bunker.TenantID, due map[bunker.TenantID]time.Time) {
	delete(due, id)
	t := d.tenants.tenant(id)
	if t == nil || t.notifier.peek() == nil && t.desk.peek() == nil {
		return
	}
	n, err := t.theNotifier()
	if err != nil {
		d.Log.Error("nobody can be told of anything", "tenant", id, "error", err)
		return
	}
	if again := n.Step(ctx); again > 0 {
		due[id] = time.Now().Add(again)
	}
}

// steady is ledger time that goes on while the machine's clock is behind it: the
// alarm about that has to go out, and ledger time stands still until then.
type steady struct {
	ledger func() time.Time
	clock  func() time.Time // with its monotonic reading

	mu   sync.Mutex
	last time.Time // what was said last
	at   time.Time // when, by the clock
}

func (s *steady) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, clock := s.ledger(), s.clock()
	if !s.at.IsZero() {
		if on := s.last.Add(clock.Sub(s.at)); on.After(now) { // Sub takes the monotonic readings
			now = on
		}
	}
	s.last, s.at = now, clock
	return now
}

// outbox is the bunker as the notifier sees it.
type outbox struct{ t *tenant }

func (o outbox) Happened(ctx context.Context, after int64, limit int) ([]bunker.AuditRecord, int64, error) {
	return o.t.store.Happened(ctx, o.t.id, after, limit)
}

func (o outbox) Head(ctx context.Context) (int64, error) { return o.t.store.Head(ctx, o.t.id) }

func (o outbox) NoticesSeen(ctx context.Context) (int64, bool, error) {
	return o.t.store.NoticesSeen(ctx, o.t.id)
}

func (o outbox) AddNotices(ctx context.Context, seen int64, list []bunker.Notice) error {
	return o.t.store.AddNotices(ctx, o.t.id, seen, list)
}

func (o outbox) WaitingNotices(ctx context.Context) ([]bunker.Notice, error) {
	return o.t.store.WaitingNotices(ctx, o.t.id)
}

func (o outbox) TryNotices(ctx context.Context, batch bunker.NoticeID, ids []bunker.NoticeID, again int64) error {
	return o.t.store.TryNotices(ctx, o.t.id, batch, ids, again)
}

func (o outbox) EndNotices(ctx context.Context, ids []bunker.NoticeID, state bunker.NoticeState, why string) error {
	return o.t.store.EndNotices(ctx, o.t.id, ids, state, why)
}

func (o outbox) SentTo(ctx context.Context, channel string, since int64) (int, int64, error) {
	return o.t.store.SentTo(ctx, o.t.id, channel, since)
}

func (o outbox) PruneNotices(ctx context.Context) error {
	return o.t.store.PruneNotices(ctx, o.t.id)
}

func (o outbox) Channels(ctx context.Context) ([]bunker.Channel, error) {
	return o.t.store.Channels(ctx, o.t.id)
}

func (o outbox) Question(ctx context.Context, id bunker.ApprovalID) (*bunker.Approval, error) {
	return o.t.store.Approval(ctx, o.t.id, id)
}

// Names reads verified rows only; while sealed there are none.
func (o outbox) Names(ctx context.Context, c bunker.ConnectionID, key bunker.KeyID) (app, name string) {
	if conn, err := o.t.store.Connection(ctx, o.t.id, c); err == nil {
		if app = conn.Name; app == "" && conn.Metadata.Name != "" {
			app = conn.Metadata.Name + " (name not verified)"
		}
		if app == "" {
			app = bunker.ShortNpub(conn.Client)
		}
	}
	if k, err := o.t.store.Key(ctx, o.t.id, string(key)); err == nil {
		name = k.Name
	}
	return app, name
}

func (o outbox) Secret(c *bunker.Channel) ([]byte, error) {
	return o.t.vault.OpenChannel(c.Tenant, c.Name, c.Secret)
}

func (o outbox) Sealed() bool { return !o.t.vault.Unsealed(o.t.id) }

// Conditions are looked at once a minute. Each is told once a day, or once a
// start, as its source says.
func (o outbox) Conditions(ctx context.Context) []notify.Condition {
	t := o.t
	now := t.steady.now()
	day := now.UTC().Format(time.DateOnly)
	var out []notify.Condition
	if source := t.sealedSince(ctx, now); source != "" {
		out = append(out, notify.Condition{Kind: bunker.AlarmSealed, Source: source})
	}
	if t.store.Clock().Suspect {
		out = append(out, notify.Condition{Kind: bunker.AlarmClock, Source: "clock " + day})
	}
	for _, u := range t.down.longer(t.relays.Status(), now) {
		if !t.uses(u) {
			continue
		}
		out = append(out, notify.Condition{Kind: bunker.AlarmRelay, Source: "relay " + u + " " + day, Object: u})
	}
	if lost, err := t.store.Undeliverable(ctx, t.id); err == nil && len(lost) > 0 {
		// Told anew when there is a newer one, at most once an hour.
		hour := time.UnixMilli(lost[0].ReadyAt).UTC().Format("2006-01-02T15")
		out = append(out, notify.Condition{Kind: bunker.AlarmUndelivered, Source: "undelivered " + hour})
	}
	if old, ok := t.backupOld(ctx, now); ok {
		out = append(out, notify.Condition{Kind: bunker.AlarmBackup, Source: "backup " + old})
	}
	return out
}

// sealedSince names the time in which the bunker waits for somebody to open it, so that
// its people are told once; "" while that is no alarm.
func (t *tenant) sealedSince(ctx context.Context, now time.Time) string {
	if t.State() != Sealed || t.together.elsewhere(t.id) {
		return ""
	}
	// Whoever started it needs a moment, and so does a slot that opens it. That an
	// instance has gone which had it open, when no other one opens it by itself, is told
	// at once.
	waits := now.Sub(t.started) < sealedFor
	if t.together == nil {
		if waits {
			return ""
		}
		return fmt.Sprintf("sealed since the start at %d", t.started.UnixMilli())
	}
	at, err := t.store.OpenedAt(ctx, t.id)
	if err != nil {
		t.Log.Error("since when a bunker is sealed could not be read", "tenant", t.id, "error", err)
		return ""
	}
	if waits && (at < t.started.UnixMilli() || t.opensByItself(ctx)) {
		return ""
	}
	return fmt.Sprintf("sealed since it was open at %d", at)
}

// opensByItself reports that an instance opens the bunker without a person.
func (t *tenant) opensByItself(ctx context.Context) bool {
	slots, err := t.store.Slots(ctx, t.id)
	return err == nil && slices.ContainsFunc(slots, func(s bunker.Slot) bool { return !s.Kind.NeedsPerson() })
}

// uses reports a relay that the tenant wants to be heard on; of those who run the machine
// each one.
func (t *tenant) uses(url string) bool {
	if !t.guest() {
		return true
	}
	_, ok := t.ring.wants()[url]
	return ok
}

// down remembers since when relays are not reached. Their status does not say it:
// each try to connect begins a state anew.
type down struct {
	mu    sync.Mutex
	since map[string]time.Time
}

// longer returns the wanted relays that were down at every look since relayDownFor.
func (r *down) longer(all []relay.Status, now time.Time) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.since
	r.since = map[string]time.Time{}
	var out []string
	for _, s := range all {
		if !s.Wanted || s.State == relay.Up || s.State == relay.Open {
			continue
		}
		from, known := was[s.URL]
		if !known {
			from = now
		}
		r.since[s.URL] = from
		if now.Sub(from) >= relayDownFor {
			out = append(out, s.URL)
		}
	}
	return out
}

// backupOld reports that the last backup is old, and names the week: the alarm
// comes again each week.
func (t *tenant) backupOld(ctx context.Context, now time.Time) (week string, old bool) {
	if t.guest() {
		return "", false // his provider's
	}
	st, _, err := t.store.Tenant(ctx, t.id)
	if err != nil || !st.SetUp {
		return "", false
	}
	last, err := backups{t}.Last(ctx)
	if err != nil {
		return "", false
	}
	if last.IsZero() { // never: counted from the first record on
		first, err := t.store.AuditLines(ctx, t.id, 0, 1)
		if err != nil || len(first) == 0 {
			return "", false
		}
		rec, err := audit.ParseBody(first[0].Body)
		if err != nil {
			return "", false
		}
		last = time.UnixMilli(rec.Time)
	}
	year, n := now.UTC().ISOWeek()
	return fmt.Sprintf("%d week %d", year, n), now.Sub(last) >= backupOldAfter
}

// notices is the notifier as the commands see it.
type notices struct{ t *tenant }

// Test implements admin.Notices.
func (n notices) Test(ctx context.Context, c *bunker.Channel) (string, error) {
	tells, err := n.t.theNotifier()
	if err != nil {
		return "", err
	}
	return tells.Test(ctx, c)
}

// Ready implements admin.Notices.
func (n notices) Ready(ctx context.Context, kind bunker.ChannelKind) error {
	switch kind {
	case bunker.ChannelNostr:
		return n.t.letters.ready(ctx)
	case bunker.ChannelPush:
		return pushKey(n).ready(ctx)
	}
	return nil
}

// Addresses implements admin.Notices.
func (n notices) Addresses(ctx context.Context) (npub, vapid string, err error) {
	if k := n.t.letters.key.Load(); k != nil {
		npub = nip19.EncodeNpub(*k)
	}
	vapid, _, err = n.t.store.Vapid(ctx, n.t.id)
	return npub, vapid, err
}

// pushKey is the key pair of web push: made once, wrapped by the service key.
type pushKey struct{ t *tenant }

// vapidName is the place of its secret; no channel can have this name.
const vapidName = "(vapid)"

func (p pushKey) ready(ctx context.Context) error {
	p.t.letters.making.Lock()
	defer p.t.letters.making.Unlock()
	if public, _, err := p.t.store.Vapid(ctx, p.t.id); err != nil || public != "" {
		return err
	}
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	raw := k.Bytes()
	defer secret.Wipe(raw)
	wrapped, err := p.t.vault.CloseChannel(p.t.id, vapidName, raw)
	if err != nil {
		return err
	}
	public := base64.RawURLEncoding.EncodeToString(k.PublicKey().Bytes())
	return p.t.store.Change(ctx, p.t.id, System(), func(tx *store.Tx) error {
		if err := tx.PutVapid(public, wrapped); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "notify.newkey", Object: public})
	})
}

// Vapid implements notify.PushKey.
func (p pushKey) Vapid(ctx context.Context) (string, []byte, error) {
	public, wrapped, err := p.t.store.Vapid(ctx, p.t.id)
	if err != nil || public == "" {
		return "", nil, err
	}
	raw, err := p.t.vault.OpenChannel(p.t.id, vapidName, wrapped)
	return public, raw, err
}

// Contact implements notify.PushKey: the bunker's own address, where it has one.
func (p pushKey) Contact() string {
	for _, u := range p.t.Config.PublicURL {
		if rest, ok := strings.CutPrefix(u, "wss://"); ok {
			return "https://" + rest
		}
	}
	return "https://nsecbunker.invalid"
}
