package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nsecbunker/nostr/nip24"
	"nsecbunker/nostr/nip46"
)

// profileView is a profile as the bunker shows it.
type profileView struct {
	keptView
	Name        string   `json:"name"`
	DisplayName string   `json:"display_name"`
	About       string   `json:"about"`
	Picture     string   `json:"picture"`
	Banner      string   `json:"banner"`
	Website     string   `json:"website"`
	NIP05       string   `json:"nip05"`
	LUD16       string   `json:"lud16"`
	Others      []string `json:"others"`
}

// keptView is the version that a change begins from.
type keptView struct {
	Event   string `json:"event"`
	Dated   stamp  `json:"dated"`
	Fetched bool   `json:"fetched"`
	Broken  bool   `json:"broken"`
	Known   bool   `json:"known"`
}

// kept says what is known of the version before.
func (a *app) kept(v *keptView, what, key string) {
	switch {
	case v.Broken:
		a.say("The %s that is kept cannot be read.", what)
	case v.Event != "" && v.Fetched:
		a.say("Found on a relay, dated %s.", a.when(v.Dated))
	case v.Event != "":
		a.say("Signed here, dated %s.", a.when(v.Dated))
	case v.Known:
		a.say("%s has no %s yet.", name(key), what)
	default:
		a.say("The %s of %s is not known here. Fetch it: nsecbunker key baseline %s --relay wss://…", what, name(key), name(key))
	}
}

const (
	// maxProfileShown is how many characters of a field are printed.
	maxProfileShown = 4000
	// maxFinding is how many of what a change does.
	maxFinding = 300
)

func (a *app) keyProfileCmd() *cobra.Command {
	var relays []string
	var noFetch bool
	fields := map[string]*string{}
	cmd := &cobra.Command{
		Use: "profile KEY", Short: "show a key's profile, or change fields of it and publish it", Args: args("KEY"), ValidArgsFunction: a.completeKeys,
		Long: `Shows a key's profile (kind 0). With fields it changes those, keeps all others, signs the profile anew and publishes it on the relays that the account
writes to (nsecbunker key relays), or on the bunker's where that is not known. "" takes a field away.

The profile of a key that was brought along is fetched from its relays first. What would be lost is shown, and needs a yes.`,
		Example: `  nsecbunker key profile herald
  nsecbunker key profile herald --name Herald --about 'News of the town' --website https://example.com`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := map[string]any{"key": args[0]}
			for _, f := range nip24.Fields() {
				if cmd.Flags().Changed(flagOf(f)) {
					p[f] = *fields[f]
				}
			}
			if len(p) > 1 {
				return a.changeOwn(cmd.Context(), ownChange{"key.profile", args[0], p, relays, !noFetch})
			}
			if len(relays) > 0 {
				return usageOf(cmd, "--relay is where a change is published, and no field is changed")
			}
			return show(cmd.Context(), a, "key.profile.show", p, func(r profileView) error { return a.showProfile(args[0], &r) })
		},
	}
	words := map[string]string{
		nip24.Name: "`name`", nip24.DisplayName: "longer `name`", nip24.About: "`text` about the account", nip24.Picture: "`address` of a picture", nip24.Banner: "`address` of a wide picture",
		nip24.Website: "`address` of a page", nip24.NIP05: "`name@domain` that stands for the key", nip24.LUD16: "lightning `address`",
	}
	for _, f := range nip24.Fields() {
		fields[f] = cmd.Flags().String(flagOf(f), "", words[f])
	}
	cmd.Flags().StringArrayVar(&relays, "relay", nil, "publish it on this `relay`, too")
	cmd.Flags().BoolVar(&noFetch, "no-fetch", false, "ask no relay for the version before")
	return a.yesFlag(cmd)
}

func (a *app) keyPicturesCmd() *cobra.Command {
	return &cobra.Command{
		Use: "pictures [on|off]", Short: "show or set whether the pictures of profiles are fetched for the admin app", Args: cobra.MaximumNArgs(1),
		Long: `The admin app can show the pictures that keys' profiles name. No browser loads them: the bunker does, through the same checks as every connection of it, once a day at
most, and hands them on small. Their hosts see the bunker's address, never who looks. It is off until an owner turns it on.`,
		ValidArgs: []string{"on", "off"},
		RunE: func(cmd *cobra.Command, args []string) error {
			name, p := "picture.settings", map[string]any{}
			if len(args) > 0 {
				if args[0] != "on" && args[0] != "off" {
					return usageOf(cmd, "pictures are on or off")
				}
				name, p["on"] = "picture.set", args[0] == "on"
			}
			type answer struct {
				On bool `json:"on"`
			}
			return show(cmd.Context(), a, name, p, func(r answer) error {
				if r.On {
					return a.line("on")
				}
				return a.line("off")
			})
		},
	}
}

func flagOf(field string) string { return strings.ReplaceAll(field, "_", "-") }

func (a *app) showProfile(key string, r *profileView) error {
	a.kept(&r.keptView, "profile", key)
	var rows [][2]string
	for i, text := range []string{r.Name, r.DisplayName, r.About, r.Picture, r.Banner, r.Website, r.NIP05, r.LUD16} {
		if text != "" {
			rows = append(rows, [2]string{nip24.Fields()[i], shown(text, maxProfileShown)})
		}
	}
	if len(r.Others) > 0 {
		rows = append(rows, [2]string{"further fields", shown(strings.Join(r.Others, ", "), maxFinding)})
	}
	return a.facts(rows)
}

// ownChange is a change of one of an account's own events.
type ownChange struct {
	noun   string // of its commands
	key    string
	params map[string]any
	relays []string
	fetch  bool
}

// changeOwn fetches the version before, shows what the change does to it, and has it
// signed and published.
func (a *app) changeOwn(ctx context.Context, ch ownChange) error {
	if len(ch.relays) > 0 {
		ch.params["relays"] = ch.relays
	}
	if ch.fetch {
		if err := a.fetchFirst(ctx, ch.key); err != nil {
			return err
		}
	}
	var check struct {
		Base    string       `json:"base"`
		Changes *changesView `json:"changes"`
		Finding string       `json:"finding"`
	}
	if err := a.call(ctx, ch.noun+".check", ch.params, &check); err != nil {
		return err
	}
	if check.Changes != nil && check.Changes.Words != "" {
		a.say("This is %s.", shown(check.Changes.Words, maxFinding))
	}
	ch.params["base"] = check.Base
	if check.Finding != "" {
		if err := a.confirm(ctx, fmt.Sprintf("The guard says: %s.", shown(check.Finding, maxFinding)), ch.key); err != nil {
			return err
		}
		ch.params["accept"] = true
	}
	type answer struct {
		Base   string      `json:"base"`
		Relays []relaySaid `json:"relays"`
		JSON   string      `json:"event_json"`
	}
	return show(ctx, a, ch.noun+".set", ch.params, func(r answer) error {
		a.sayRelays(r.Relays, "took it")
		if r.Base != "" {
			a.say("The version before comes back with: nsecbunker key version restore %s %s", name(ch.key), shown(r.Base, 64)[:min(eventShown, len(r.Base))])
		}
		return a.line(r.JSON)
	})
}

// fetchFirst looks up what a key that was brought along has on its relays.
func (a *app) fetchFirst(ctx context.Context, key string) error {
	var k struct {
		Key struct {
			Baseline string `json:"baseline"`
		} `json:"key"`
	}
	if err := a.call(ctx, "key.show", map[string]any{"key": key}, &k); err != nil || k.Key.Baseline == "empty" {
		return err
	}
	var raw json.RawMessage
	if err := a.call(ctx, "key.baseline", map[string]any{"key": key}, &raw); err != nil {
		return err
	}
	var b struct {
		Baseline baselineView `json:"baseline"`
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		return unreadable(err)
	}
	return a.sayBaseline(b.Baseline)
}

type accountRelay struct {
	URL   string `json:"url"`
	Read  bool   `json:"read,omitempty"`
	Write bool   `json:"write,omitempty"`
}

// use is what a relay is for, in words.
func (r accountRelay) use() string {
	switch {
	case r.Read && r.Write:
		return "read and write"
	case r.Read:
		return "read"
	}
	return "write"
}

type accountRelays struct {
	keptView
	List []accountRelay `json:"list"`
}

func (a *app) keyRelaysCmd() *cobra.Command {
	var add, remove, relays []string
	var noFetch bool
	cmd := &cobra.Command{
		Use: "relays KEY", Short: "show a key's own list of relays, or change it and publish it", Args: args("KEY"), ValidArgsFunction: a.completeKeys,
		Long: `Shows a key's own list of relays (NIP-65, kind 10002): where the account writes, and where it reads what is meant for it. With --add and --remove it is changed,
signed, and published on the relays that the old and the new list write to.

The list of a key that was brought along is fetched from its relays first. What would be lost is shown, and needs a yes.`,
		Example: `  nsecbunker key relays herald
  nsecbunker key relays herald --add wss://relay.example.com --add wss://inbox.example.com=read --remove wss://old.example.com`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := map[string]any{"key": args[0]}
			if len(add)+len(remove) == 0 {
				if len(relays) > 0 {
					return usageOf(cmd, "--relay is where a change is published, and nothing is changed")
				}
				return show(cmd.Context(), a, "key.relays.show", p, func(r accountRelays) error { return a.showAccountRelays(args[0], &r) })
			}
			if !noFetch {
				if err := a.fetchFirst(cmd.Context(), args[0]); err != nil {
					return err
				}
			}
			var now accountRelays
			if err := a.call(cmd.Context(), "key.relays.show", p, &now); err != nil {
				return err
			}
			list, err := changedRelays(now.List, add, remove)
			if err != nil {
				return err
			}
			p["list"] = list
			return a.changeOwn(cmd.Context(), ownChange{"key.relays", args[0], p, relays, false})
		},
	}
	cmd.Flags().StringArrayVar(&add, "add", nil, "add this `relay`, to read and write; with =read or =write, for that alone")
	cmd.Flags().StringArrayVar(&remove, "remove", nil, "take this `relay` off the list")
	cmd.Flags().StringArrayVar(&relays, "relay", nil, "publish the list on this `relay`, too")
	cmd.Flags().BoolVar(&noFetch, "no-fetch", false, "ask no relay for the version before")
	return a.yesFlag(cmd)
}

func (a *app) showAccountRelays(key string, r *accountRelays) error {
	a.kept(&r.keptView, "list of relays", key)
	var rows [][]string
	for _, e := range r.List {
		rows = append(rows, []string{shown(e.URL, maxFinding), e.use()})
	}
	if len(rows) == 0 {
		return nil
	}
	return a.table([]string{"RELAY", "FOR"}, rows)
}

// changedRelays is a list without some relays and with others; who is there already
// gets the new use.
func changedRelays(list []accountRelay, add, remove []string) ([]accountRelay, error) {
	list = slices.Clone(list)
	for _, raw := range remove {
		u, err := nip46.NormalizeRelayURL(raw)
		if err != nil {
			return nil, usage("--remove: %v", err).withHint("write it as wss://relay.example.com")
		}
		at := slices.IndexFunc(list, func(r accountRelay) bool { return r.URL == u })
		if at < 0 {
			return nil, fail("%s is not on the list", shown(u, maxFinding)).withHint("nsecbunker key relays KEY")
		}
		list = slices.Delete(list, at, at+1)
	}
	for _, raw := range add {
		raw, use, marked := strings.Cut(raw, "=")
		r := accountRelay{Read: !marked || use == "read", Write: !marked || use == "write"}
		var err error
		if r.URL, err = nip46.NormalizeRelayURL(raw); err != nil || !r.Read && !r.Write {
			return nil, usage("--add: %s is no relay", shown(raw, maxFinding)).withHint("write it as wss://relay.example.com, or with =read or =write behind it")
		}
		if at := slices.IndexFunc(list, func(have accountRelay) bool { return have.URL == r.URL }); at >= 0 {
			list[at] = r
			continue
		}
		list = append(list, r)
	}
	return list, nil
}
