package admin

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// MaxChannels is how many channels of notices a bunker has at most.
const MaxChannels = 32

// Notices tells people, as the commands see it.
type Notices interface {
	// Test sends a test message to a channel right now and returns what the other
	// side said. Errors are in words for people.
	Test(ctx context.Context, c *bunker.Channel) (said string, err error)
	// Ready makes what a kind of channel needs before there is the first of it: the
	// key that direct messages come from, the key pair of web push.
	Ready(ctx context.Context, kind bunker.ChannelKind) error
	// Addresses are the npub that direct messages come from, and the public key
	// that browsers subscribe with; "" before there is one.
	Addresses(ctx context.Context) (npub, vapid string, err error)
}

func notifyCommands(t *Table) {
	add(t, Command{
		Name: "notify.list", Summary: "Lists the channels by which people are told of questions and alarms, and notices that could not be sent.",
		Role: bunker.Operator, Doors: local(), WhileSealed: true,
	}, t.notifyList)
	add(t, Command{
		Name: "notify.test", Summary: "Sends a test message to a channel, now, and shows what the other side said.",
		Role: bunker.Operator, Doors: local(), WhileSealed: true,
	}, t.notifyTest)
	add(t, Command{
		Name: "notify.add", Summary: "Adds a channel: a direct message, an ntfy topic, a webhook, e-mail or a browser's web push.",
		Role: bunker.Owner, Doors: local(), Writes: true,
	}, t.notifyAdd)
	add(t, Command{
		Name: "notify.set", Summary: "Changes what a channel hears, when, and its secret. Where it leads stays; add another channel for that.",
		Role: bunker.Owner, Doors: local(), Writes: true,
	}, t.notifySet)
	add(t, Command{
		Name: "notify.remove", Summary: "Removes a channel, with what it was still to be told.",
		Role: bunker.Owner, Doors: local(), Writes: true,
	}, t.notifyRemove)
	add(t, Command{
		Name: "notify.key", Summary: "Shows the npub that direct messages come from, and the public key that browsers subscribe to web push with.",
		Role: bunker.Viewer, Doors: local(),
	}, t.notifyKey)
}

// channelOptions are the parameters that notify.add and notify.set share.
type channelOptions struct {
	Classes     []string     `json:"classes,omitempty" doc:"of questions, answers, alarms; questions and alarms when new"`
	Details     *bool        `json:"details,omitempty" doc:"name the app and the key; never the content"`
	After       *string      `json:"after,omitempty" doc:"questions only that wait for so long: the on-call order"`
	Quiet       *string      `json:"quiet,omitempty" doc:"22:00-07:00; questions wait for its end; empty: never"`
	Zone        *string      `json:"zone,omitempty" doc:"of quiet: Europe/Berlin; UTC when empty"`
	QuietAlarms *bool        `json:"quiet_alarms,omitempty" doc:"alarms wait for the end of the quiet hours, too"`
	Answers     *bool        `json:"answers,omitempty" doc:"of nostr: messages carry codes, and a reply can deny or allow once"`
	Secret      secret.Param `json:"secret,omitempty" doc:"of ntfy: an access token; of mail: the password; of webhook: what signs, made when it is not given; of push: the subscription's auth"`
}

type notifyAddParams struct {
	Name   string `json:"name"`
	Kind   string `json:"kind" doc:"nostr, ntfy, webhook, mail or push"`
	Target string `json:"target" doc:"npub, URL, address, or the endpoint of a push subscription"`
	channelOptions
	Relays []string `json:"relays,omitempty" doc:"of nostr: where to send; the bunker's own relays when none"`
	Legacy bool     `json:"legacy,omitempty" doc:"of nostr: kind 4, for apps that do not know NIP-17"`
	Server string   `json:"server,omitempty" doc:"of mail: host:port"`
	TLS    string   `json:"tls,omitempty" doc:"of mail: starttls (the default) or tls"`
	From   string   `json:"from,omitempty" doc:"of mail: the sender's address; target when empty"`
	User   string   `json:"user,omitempty" doc:"of mail: whom to log in as; nobody when empty"`
	P256dh string   `json:"p256dh,omitempty" doc:"of push: the subscription's public key"`
}

type notifySetParams struct {
	Name string `json:"name"`
	channelOptions
}

type notifyNameParams struct {
	Name string `json:"name"`
}

type channelView struct {
	Name        string   `json:"name"`
	Kind        string   `json:"kind"`
	Target      string   `json:"target" doc:"of ntfy and webhook without what comes after the host: it may be a secret"`
	Classes     []string `json:"classes"`
	Details     bool     `json:"details"`
	After       Span     `json:"after,omitzero"`
	Quiet       string   `json:"quiet,omitempty"`
	Zone        string   `json:"zone,omitempty"`
	QuietAlarms bool     `json:"quiet_alarms,omitempty"`
	Relays      []string `json:"relays,omitempty"`
	Legacy      bool     `json:"legacy,omitempty"`
	Answers     bool     `json:"answers,omitempty"`
	Server      string   `json:"server,omitempty"`
	From        string   `json:"from,omitempty"`
	User        string   `json:"user,omitempty"`
	HasSecret   bool     `json:"has_secret"`
	CreatedAt   Time     `json:"created_at"`
}

type notifyListResult struct {
	Channels []channelView `json:"channels"`
	Failed   []failedView  `json:"failed,omitempty" doc:"notices that were given up, newest first"`
	Warnings []string      `json:"warnings,omitempty"`
}

type failedView struct {
	Channel string `json:"channel"`
	Kind    string `json:"kind"`
	At      Time   `json:"at"`
	Tries   int    `json:"tries"`
	Error   string `json:"error"`
}

type notifyResult struct {
	Channel  channelView `json:"channel"`
	Signing  string      `json:"signing_secret,omitempty" doc:"of a new webhook: what its signatures are made with; it is not shown again"`
	Npub     string      `json:"npub,omitempty" doc:"of nostr: whom the messages come from"`
	Warnings []string    `json:"warnings,omitempty"`
}

type notifyTestResult struct {
	Channel string `json:"channel"`
	Said    string `json:"said" doc:"what the other side answered"`
}

type notifyKeyResult struct {
	Npub  string `json:"npub,omitempty" doc:"none before the first channel of kind nostr"`
	Vapid string `json:"vapid" doc:"applicationServerKey, base64url"`
}

func (t *Table) notifyList(ctx context.Context, _ *Call, _ Empty) (notifyListResult, error) {
	res := notifyListResult{Channels: []channelView{}}
	rows, err := t.Rows.Channels(ctx, t.Tenant)
	if err != nil {
		if !isTampered(err) {
			return res, err
		}
		res.Warnings = append(res.Warnings, "a channel was changed from outside and is not used: "+clip(err.Error()))
	}
	for i := range rows {
		res.Channels = append(res.Channels, viewChannel(&rows[i]))
	}
	failed, err := t.Rows.FailedNotices(ctx, t.Tenant)
	if err != nil {
		return res, err
	}
	for _, n := range failed {
		res.Failed = append(res.Failed, failedView{n.Channel, string(n.Kind), Time(n.At), n.Tries, clip(n.Error)})
	}
	return res, nil
}

func (t *Table) notifyTest(ctx context.Context, _ *Call, p notifyNameParams) (notifyTestResult, error) {
	res := notifyTestResult{Channel: clip(p.Name)}
	notices, err := t.notices()
	if err != nil {
		return res, err
	}
	rows, err := t.Rows.Channels(ctx, t.Tenant)
	if err != nil && !isTampered(err) {
		return res, err
	}
	i := slices.IndexFunc(rows, func(c bunker.Channel) bool { return c.Name == p.Name })
	if i < 0 {
		return res, noChannel(p.Name)
	}
	if res.Said, err = notices.Test(ctx, &rows[i]); err != nil {
		return res, bunker.Errorf(bunker.CodeError, "the channel %s does not work: %s", clip(p.Name), clip(err.Error())).In("name").
			WithHint("mend it with: nsecbunker notify set %s; or, for another address, remove it and add it anew", clip(p.Name))
	}
	return res, nil
}

func (t *Table) notifyAdd(ctx context.Context, c *Call, p notifyAddParams) (notifyResult, error) {
	notices, err := t.notices()
	if err != nil {
		return notifyResult{}, err
	}
	ch, signing, err := t.newChannel(c, &p)
	if err != nil {
		return notifyResult{}, err
	}
	if err := notices.Ready(ctx, ch.Kind); err != nil {
		return notifyResult{}, err
	}
	err = c.Commit(ctx, channelRecord(ch), func(tx Tx) error {
		rows, err := tx.Channels()
		switch {
		case err != nil && !isTampered(err):
			return err
		case len(rows) >= MaxChannels:
			return bunker.Errorf(bunker.CodeConflict, "there are %d channels already, the most that there can be", MaxChannels)
		case slices.ContainsFunc(rows, func(o bunker.Channel) bool { return o.Name == ch.Name }):
			return bunker.Errorf(bunker.CodeConflict, "there is a channel %s already", ch.Name).In("name").WithHint("nsecbunker notify remove %s", ch.Name)
		}
		ch.CreatedAt = tx.Now()
		return tx.PutChannel(ch)
	})
	if err != nil {
		return notifyResult{}, err
	}
	t.Around.Changed()
	res := notifyResult{Channel: viewChannel(ch), Signing: signing, Warnings: t.channelWarnings(ch)}
	if ch.Kind == bunker.ChannelNostr {
		if res.Npub, _, err = notices.Addresses(ctx); err != nil {
			return res, err
		}
	}
	return res, nil
}

// newChannel checks the parameters. signing is a webhook's secret that was made
// here.
func (t *Table) newChannel(c *Call, p *notifyAddParams) (ch *bunker.Channel, signing string, err error) {
	ch = &bunker.Channel{Tenant: t.Tenant, Kind: bunker.ChannelKind(p.Kind), Version: 1, CreatedAt: c.Now.UnixMilli()}
	if ch.Name, err = name("name", p.Name); err != nil {
		return nil, "", err
	}
	ch.Settings = bunker.ChannelSettings{
		Target: p.Target, Relays: p.Relays, Legacy: p.Legacy, Server: p.Server, TLS: p.TLS, From: p.From, User: p.User, P256dh: p.P256dh,
		Classes: []bunker.NoticeClass{bunker.ClassQuestions, bunker.ClassAlarms},
	}
	if err := t.checkTarget(ch, p); err != nil {
		return nil, "", err
	}
	if err := applyOptions(ch, &p.channelOptions); err != nil {
		return nil, "", err
	}
	plain := p.Secret
	if ch.Kind == bunker.ChannelWebhook && len(plain) == 0 {
		var raw [32]byte
		rand.Read(raw[:]) // never fails since Go 1.24: it ends the process instead
		signing = hex.EncodeToString(raw[:])
		plain = secret.Param(signing)
	}
	if len(plain) > 0 {
		if ch.Secret, err = t.Vault.CloseChannel(t.Tenant, ch.Name, plain); err != nil {
			return nil, "", err
		}
	}
	return ch, signing, nil
}

func (t *Table) notifySet(ctx context.Context, c *Call, p notifySetParams) (notifyResult, error) {
	var ch *bunker.Channel
	rec := &bunker.AuditRecord{Object: clip(p.Name)}
	err := c.Commit(ctx, rec, func(tx Tx) error {
		rows, err := tx.Channels()
		if err != nil && !isTampered(err) {
			return err
		}
		i := slices.IndexFunc(rows, func(o bunker.Channel) bool { return o.Name == p.Name })
		if i < 0 {
			return noChannel(p.Name)
		}
		ch = &rows[i]
		if err := applyOptions(ch, &p.channelOptions); err != nil {
			return err
		}
		if len(p.Secret) > 0 {
			if ch.Kind == bunker.ChannelNostr || ch.Kind == bunker.ChannelPush {
				return bunker.Errorf(bunker.CodeInvalid, "a channel of kind %s has no secret that can be set", ch.Kind).In("secret")
			}
			if ch.Secret, err = t.Vault.CloseChannel(t.Tenant, ch.Name, p.Secret); err != nil {
				return err
			}
		}
		rec.Reason = channelRecord(ch).Reason
		return tx.PutChannel(ch)
	})
	if err != nil {
		return notifyResult{}, err
	}
	t.Around.Changed()
	return notifyResult{Channel: viewChannel(ch), Warnings: t.channelWarnings(ch)}, nil
}

func (t *Table) notifyRemove(ctx context.Context, c *Call, p notifyNameParams) (Empty, error) {
	err := c.Commit(ctx, &bunker.AuditRecord{Object: clip(p.Name)}, func(tx Tx) error {
		if err := tx.DeleteChannel(p.Name); err != nil {
			if isNotFound(err) {
				return noChannel(p.Name)
			}
			return err
		}
		return nil
	})
	if err == nil {
		t.Around.Changed()
	}
	return Empty{}, err
}

func (t *Table) notifyKey(ctx context.Context, _ *Call, _ Empty) (res notifyKeyResult, err error) {
	notices, err := t.notices()
	if err != nil {
		return res, err
	}
	if err := notices.Ready(ctx, bunker.ChannelPush); err != nil {
		return res, err
	}
	res.Npub, res.Vapid, err = notices.Addresses(ctx)
	return res, err
}

func (t *Table) notices() (Notices, error) {
	if t.Notices == nil {
		return nil, bunker.Errorf(bunker.CodeError, "this bunker tells nobody of anything")
	}
	return t.Notices, nil
}

func noChannel(name string) error {
	return bunker.Errorf(bunker.CodeNotFound, "there is no channel %q", clip(name)).In("name").WithHint("nsecbunker notify list")
}

// channelRecord says in the log what a channel is, without where it leads: a
// topic or a path may be a secret.
func channelRecord(c *bunker.Channel) *bunker.AuditRecord {
	words := "channel of kind " + string(c.Kind)
	if c.Settings.Details {
		words += ", with details"
	}
	if c.Settings.Answers {
		words += ", with answers"
	}
	return &bunker.AuditRecord{Object: c.Name, Reason: words}
}

func viewChannel(c *bunker.Channel) channelView {
	s := &c.Settings
	v := channelView{
		Name: c.Name, Kind: string(c.Kind), Target: shownTarget(c), Details: s.Details, After: Span(time.Duration(s.After) * time.Millisecond),
		Quiet: s.Quiet, Zone: s.Zone, QuietAlarms: s.QuietAlarms, Relays: s.Relays, Legacy: s.Legacy, Answers: s.Answers,
		Server: s.Server, From: s.From, User: s.User, HasSecret: len(c.Secret) > 0, CreatedAt: Time(c.CreatedAt),
	}
	for _, class := range s.Classes {
		v.Classes = append(v.Classes, string(class))
	}
	return v
}
