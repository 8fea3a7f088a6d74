package admin

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip19"
)

func statusCommands(t *Table) {
	add(t, Command{
		Name: "status", Summary: "Shows how the bunker does: state, keys, connections, questions, relays, clock, log.",
		Role: bunker.Viewer, Doors: system(), WhileSealed: true,
	}, t.status)
}

type statusResult struct {
	Version          string         `json:"version"`
	Backend          string         `json:"backend" doc:"the secp256k1 library"`
	Started          Time           `json:"started"`
	State            string         `json:"state" doc:"not set up, sealed, unsealed or stopped"`
	Reviewed         bool           `json:"reviewed" doc:"no after a restore, until an owner has reviewed the connections"`
	Incarnation      string         `json:"incarnation"`
	IncarnationNo    int64          `json:"incarnation_no"`
	Copy             *HeardCopy     `json:"copy,omitempty" doc:"the other copy of this bunker that it was stopped for"`
	Keys             keyCounts      `json:"keys"`
	Connections      map[string]int `json:"connections" doc:"by state"`
	Tokens           int            `json:"tokens" doc:"open ones"`
	Questions        int            `json:"questions" doc:"open ones"`
	Unreleased       unreleased     `json:"unreleased"`
	Relays           []RelayHealth  `json:"relays"`
	AppRelays        []string       `json:"app_relays" doc:"what apps are told to use"`
	Admins           []adminView    `json:"admins,omitempty" doc:"not while sealed"`
	ConnectionString string         `json:"connection_string,omitempty"`
	AdminPages       []string       `json:"admin_pages,omitempty" doc:"where the admin app is served, this machine's own address first"`
	Provider         bool           `json:"provider,omitempty" doc:"this is the bunker of whoever hosts others here"`
	Guests           *GuestCounts   `json:"guests,omitempty" doc:"the bunkers that are hosted here; in the provider's own alone"`
	Guest            bool           `json:"guest,omitempty" doc:"others host this bunker: its machine is its provider's"`
	Clock            clockView      `json:"clock"`
	Audit            auditHead      `json:"audit"`
	LastBackup       Time           `json:"last_backup,omitzero"`
	PassphraseKnown  Time           `json:"passphrase_known,omitzero" doc:"when somebody last gave the passphrase as one who knows it"`
	Memory           memoryView     `json:"memory"`
	Quota            *quotaView     `json:"quota,omitempty" doc:"what the provider lets this bunker use; none in a bunker of one's own"`
	Plan             *paidView      `json:"plan,omitempty" doc:"what this hosted bunker is paid for; none where it was not bought"`
	Warnings         []string       `json:"warnings,omitempty"`
}

type keyCounts struct {
	All      int `json:"all"`
	Unlocked int `json:"unlocked" doc:"in memory"`
	Locked   int `json:"locked"`
	Deleting int `json:"deleting"`
}

type unreleased struct {
	Waiting       int `json:"waiting" doc:"signed and recorded, not yet taken by a relay"`
	Undeliverable int `json:"undeliverable" doc:"given up after 10 minutes; the bytes are kept"`
}

type clockView struct {
	Ledger  Time   `json:"ledger"`
	Suspect bool   `json:"suspect"`
	Behind  bool   `json:"behind"`
	Why     string `json:"why,omitempty"`
}

type auditHead struct {
	Seq        int64  `json:"seq"`
	Head       string `json:"head"`
	Checkpoint int64  `json:"checkpoint" doc:"number of the last record that a signed checkpoint covers"`
}

type memoryView struct {
	Used   int  `json:"used" doc:"bytes"`
	Size   int  `json:"size" doc:"bytes"`
	Locked bool `json:"locked" doc:"no: secrets could be written to swap"`
}

// loopbackWords are said wherever apps are told of this machine only.
const loopbackWords = "works on this machine only: no relay is set that apps elsewhere could reach; add one with: nsecbunker relay add wss://…"

func (t *Table) status(ctx context.Context, c *Call, _ Empty) (statusResult, error) {
	var res statusResult
	st, _, err := t.Rows.Tenant(ctx, t.Tenant)
	if err != nil {
		return res, err
	}
	info := t.Around.Info()
	res.Version, res.Backend, res.Started = info.Version, info.Backend, Time(info.Started.UnixMilli())
	res.Memory = memoryView{info.MemoryUsed, info.MemorySize, info.MemoryLocked}
	res.State, res.Reviewed, res.AdminPages = t.state(st), st.Reviewed, info.AdminPages
	res.Incarnation, res.IncarnationNo = st.Incarnation, st.IncarnationNo
	res.Provider, res.Guest = t.House != nil, t.Guest
	if t.House != nil {
		n := t.House.Guests()
		res.Guests = &n
	}
	res.Audit = auditHead{Seq: st.ChainSeq, Head: hex.EncodeToString(st.ChainHead[:])}
	res.Relays = append([]RelayHealth{}, t.Around.RelayHealth()...) // never null in JSON
	res.AppRelays = append([]string{}, t.Around.AppRelays()...)
	if err := t.statusCounts(ctx, &st.Quota, &res); err != nil {
		return res, err
	}
	clock := t.Rows.Clock()
	res.Clock = clockView{Time(clock.Ledger.UnixMilli()), clock.Suspect, clock.Behind, clock.Why}
	last, err := t.Backup.Last(ctx)
	if err != nil {
		return res, err
	}
	if !last.IsZero() {
		res.LastBackup = Time(last.UnixMilli())
	}
	if res.PassphraseKnown, err = t.lastKnown(ctx); err != nil {
		return res, err
	}
	if res.ConnectionString, err = t.connectionString(ctx); err != nil {
		return res, err
	}
	if res.Plan, err = t.paid(ctx, c.Now.UnixMilli()); err != nil {
		return res, err
	}
	if st.SetUp && t.Vault.Unsealed(t.Tenant) {
		if err := errors.Join(t.statusUnsealed(ctx, &res), t.statusSeats(ctx, &st.Quota, &res)); err != nil {
			return res, err
		}
	}
	if err := t.statusCopy(ctx, &res); err != nil {
		return res, err
	}
	t.statusWarnings(&res)
	return res, t.statusNotices(ctx, &res)
}

// statusNotices says what people could not be told, and channels that are not used.
func (t *Table) statusNotices(ctx context.Context, res *statusResult) error {
	failed, err := t.Rows.FailedNotices(ctx, t.Tenant)
	if err != nil {
		return err
	}
	if len(failed) > 0 {
		res.Warnings = append(res.Warnings, fmt.Sprintf("%d notices could not be sent in the last 30 days, the last one to %s: %s; see: nsecbunker notify list",
			len(failed), failed[0].Channel, clip(failed[0].Error)))
	}
	if _, err := t.Rows.Channels(ctx, t.Tenant); isTampered(err) {
		res.Warnings = append(res.Warnings, "a channel of notices was changed from outside and is not used: "+clip(err.Error()))
	} else if err != nil {
		return err
	}
	return nil
}

func (t *Table) state(st bunker.TenantState) string {
	switch {
	case !st.SetUp:
		return "not set up"
	case !t.Vault.Unsealed(t.Tenant):
		return "sealed"
	case st.Stopped:
		return "stopped"
	}
	return "unsealed"
}

func (t *Table) statusCounts(ctx context.Context, q *bunker.Quota, res *statusResult) error {
	n, err := t.Rows.Counts(ctx, t.Tenant)
	if err != nil {
		return err
	}
	res.Keys = keyCounts{All: n.Keys, Locked: n.KeysLocked, Deleting: n.KeysDeleting}
	res.Connections = map[string]int{}
	for state, count := range n.Connections {
		res.Connections[string(state)] = count
	}
	res.Tokens, res.Questions = n.Tokens, n.Questions
	res.Unreleased = unreleased{n.Ready, n.Undeliverable}
	res.Quota = viewQuota(q, n.Seats)
	return nil
}

// statusUnsealed adds what is read verified, or from memory.
func (t *Table) statusUnsealed(ctx context.Context, res *statusResult) error {
	admins, err := t.Rows.Admins(ctx, t.Tenant)
	if err != nil {
		return err
	}
	for i := range admins {
		a := &admins[i]
		res.Admins = append(res.Admins, viewAdmin(a))
		warnOfLegacy(res, a, t.Now().UnixMilli())
		if a.OwnsAll() && a.ActiveAt > t.Now().UnixMilli() {
			// Told to whoever looks, for as long as it can still be taken back.
			npub := nip19.EncodeNpub(a.PubKey)
			res.Warnings = append(res.Warnings, fmt.Sprintf("%s named %s an owner; it takes effect at %s. If that is not right: nsecbunker admin remove %s",
				bunker.Display(a.AddedBy, MaxShown), npub, time.UnixMilli(a.ActiveAt).UTC().Format(time.RFC3339), npub))
		}
	}
	if err := t.warnOfBrokenGlass(ctx, res); err != nil {
		return err
	}
	cp, err := t.Rows.LastCheckpoint(ctx, t.Tenant)
	if err != nil {
		return err
	}
	if cp != nil {
		res.Audit.Checkpoint = cp.Seq
	}
	return t.eachKey(ctx, func(k *bunker.UserKey) error {
		if t.Vault.Unlocked(t.Tenant, k.ID) {
			res.Keys.Unlocked++
		}
		return nil
	})
}

func (t *Table) statusWarnings(res *statusResult) {
	warn := func(on bool, words string) {
		if on {
			res.Warnings = append(res.Warnings, words)
		}
	}
	warn(res.State != "not set up" && loopbackOnly(res.AppRelays), loopbackWords)
	warn(!res.Memory.Locked, "secrets are not locked into memory and could be written to swap (--allow-swap)")
	warn(res.Clock.Suspect, res.Clock.Why)
	warn(!res.Reviewed && res.State != "not set up", "this bunker was restored: look at the list of connections, then end the review with: nsecbunker connections review")
	warn(res.Copy != nil, "another copy of this bunker runs, so this one was stopped: find the other one (the log says what was heard) and end it; if this one is the right one: nsecbunker stop end")
	warn(res.State == "stopped" && res.Copy == nil, "the bunker is stopped: nothing is signed until an owner ends it with: nsecbunker stop end")
	warn(res.Unreleased.Undeliverable > 0, "some replies were taken by no relay within ten minutes; see: nsecbunker doctor")
}

// connectionString is where admins find the bunker; it is no secret. "" before
// there is an admin key.
func (t *Table) connectionString(ctx context.Context) (string, error) {
	keys, err := t.Rows.ServiceKeys(ctx, t.Tenant, bunker.RoleAdmin)
	if err != nil || len(keys) == 0 {
		return "", err
	}
	var q []string
	for _, u := range t.Around.AppRelays() {
		q = append(q, "relay="+url.QueryEscape(u))
	}
	s := "bunker-admin://" + keys[0].PubKey.String()
	if len(q) > 0 {
		s += "?" + strings.Join(q, "&")
	}
	return s, nil
}

// loopbackOnly reports whether no relay can be reached from elsewhere.
func loopbackOnly(relays []string) bool {
	for _, r := range relays {
		u, err := url.Parse(r)
		if err != nil {
			continue
		}
		host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
		ip, err := netip.ParseAddr(host)
		if host != "localhost" && !strings.HasSuffix(host, ".localhost") && (err != nil || !ip.Unmap().IsLoopback()) {
			return false
		}
	}
	return true
}
