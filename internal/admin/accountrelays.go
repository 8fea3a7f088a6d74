package admin

import (
	"context"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip65"
)

const (
	// MaxListRelays is how many relays an account's own list may get.
	MaxListRelays = 20
	// wantedRelays is how many of each sort NIP-65 recommends at most; more are warned of.
	wantedRelays = 4
)

func accountRelayCommands(t *Table) {
	add(t, Command{
		Name: "key.relays.show", Summary: "Shows a key's own list of relays (NIP-65, kind 10002): where it writes, and where it reads.",
		Role: bunker.Viewer, Doors: local(), Scope: ofKey(),
	}, t.accountRelaysShow)
	add(t, Command{
		Name: "key.relays.check", Summary: "Says what another list of relays would do to a key's own, without signing anything.",
		Role: bunker.Viewer, Doors: local(), Scope: ofKey(),
	}, t.accountRelaysCheck)
	add(t, Command{
		Name: "key.relays.set", Summary: "Gives a key another list of relays, signs it and publishes it on the relays of the old and the new one.",
		Role: bunker.Operator, Doors: local(), Writes: true, Scope: ofKey(),
	}, t.accountRelaysSet)
}

type accountRelay struct {
	URL   string `json:"url"`
	Read  bool   `json:"read,omitempty" doc:"what mentions the account is looked for there"`
	Write bool   `json:"write,omitempty" doc:"the account's own events are there"`
}

type accountRelaysResult struct {
	keptView
	List   []accountRelay `json:"list"`
	Others int            `json:"others,omitempty" doc:"tags about something else, which every change keeps"`
}

func (t *Table) accountRelaysShow(ctx context.Context, _ *Call, p keyParams) (accountRelaysResult, error) {
	res := accountRelaysResult{List: []accountRelay{}}
	k, err := t.key(ctx, p.Key)
	if err != nil {
		return res, err
	}
	var ev *nostr.Event
	if res.keptView, ev, err = t.viewKept(ctx, k, nip65.Kind); err != nil || ev == nil {
		return res, err
	}
	for _, r := range nip65.Relays(ev.Tags) {
		res.List = append(res.List, accountRelay(r))
	}
	for _, tag := range ev.Tags {
		if tag.Name() != "r" {
			res.Others++
		}
	}
	return res, nil
}

type accountRelaysCheckParams struct {
	keyParams
	List   []accountRelay `json:"list" doc:"the whole list, as it shall be"`
	Relays []string       `json:"relays,omitempty" doc:"more relays to publish it on"`
}

type accountRelaysSetParams struct {
	keyParams
	List []accountRelay `json:"list" doc:"the whole list, as it shall be"`
	ownShown
}

func (t *Table) accountRelaysCheck(ctx context.Context, _ *Call, p accountRelaysCheckParams) (ownCheckResult, error) {
	e, warnings, err := t.relayEdit(p.List)
	if err != nil {
		return ownCheckResult{}, err
	}
	return t.checkOwn(ctx, p.Key, e, warnings, p.Relays)
}

func (t *Table) accountRelaysSet(ctx context.Context, c *Call, p accountRelaysSetParams) (ownSetResult, error) {
	e, warnings, err := t.relayEdit(p.List)
	if err != nil {
		return ownSetResult{}, err
	}
	return t.setOwn(ctx, c, p.Key, e, p.ownShown, warnings)
}

// relayEdit checks a list as it shall be.
func (t *Table) relayEdit(asked []accountRelay) (e *ownEdit, warnings []string, err error) {
	if len(asked) > MaxListRelays {
		return nil, nil, bunker.Errorf(bunker.CodeInvalid, "the list has more than %d relays; two to four of each sort are enough", MaxListRelays).In("list")
	}
	var list []nip65.Relay
	seen := map[string]bool{}
	for _, r := range asked {
		u, err := nip46.NormalizeRelayURL(r.URL)
		switch {
		case err != nil:
			return nil, nil, bunker.Errorf(bunker.CodeInvalid, "%s: %s", clip(r.URL), clip(err.Error())).In("list").WithHint("write it as wss://relay.example.com")
		case seen[u]:
			return nil, nil, bunker.Errorf(bunker.CodeInvalid, "the relay %s is there twice", clip(u)).In("list")
		case !r.Read && !r.Write:
			return nil, nil, bunker.Errorf(bunker.CodeInvalid, "the relay %s is neither for reading nor for writing; choose one, or leave it out", clip(u)).In("list")
		case contains(t.embedded(), u):
			return nil, nil, bunker.Errorf(bunker.CodeInvalid, "the relay %s is the bunker's own, which carries only what apps and bunker say to each other: nobody finds notes there", clip(u)).In("list")
		}
		seen[u] = true
		if err := t.Around.CheckRelay(u, false); err != nil {
			warnings = append(warnings, fmt.Sprintf("others may not reach the relay %s: %s", clip(u), clip(bunker.AsError(err).Words)))
		}
		list = append(list, nip65.Relay{URL: u, Read: r.Read, Write: r.Write})
	}
	return &ownEdit{kind: nip65.Kind, fill: func(before *nostr.Event, to *nostr.Template) (reason, lost string, err error) {
		to.Tags, to.Content = nip65.Tags(list, before.Tags), before.Content
		return fmt.Sprintf("the list of relays was changed: %d instead of %d", len(list), len(nip65.Relays(before.Tags))), "", nil
	}}, append(warnings, listWarnings(list)...), nil
}

func listWarnings(list []nip65.Relay) (out []string) {
	reads, writes := 0, 0
	for _, r := range list {
		if r.Read {
			reads++
		}
		if r.Write {
			writes++
		}
	}
	if writes == 0 && len(list) > 0 {
		out = append(out, "no relay is for writing: nobody knows where to find what the account publishes")
	}
	if reads == 0 && len(list) > 0 {
		out = append(out, "no relay is for reading: nobody knows where to send what is meant for the account")
	}
	if max(reads, writes) > wantedRelays {
		out = append(out, fmt.Sprintf("more than %d relays of one sort: every app that follows the account opens a connection to each", wantedRelays))
	}
	return out
}
