package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"nsecbunker/nostr"
)

// versionView is a kept version as the bunker shows it.
type versionView struct {
	Event   string `json:"event"`
	Kind    int64  `json:"kind"`
	D       string `json:"d"`
	Dated   stamp  `json:"dated"`
	Current bool   `json:"current"`
	Fetched bool   `json:"fetched"`
	App     string `json:"app"`
	Entries int    `json:"entries"`
	Size    int    `json:"size"`
	Broken  bool   `json:"broken"`
}

// changesView is what a new version does to the one before.
type changesView struct {
	Words string   `json:"words"`
	Lost  []string `json:"removed_list"`
	New   []string `json:"added_list"`
}

// relaySaid is what one relay said.
type relaySaid struct {
	URL   string `json:"url"`
	OK    bool   `json:"ok"`
	Found int    `json:"found"`
	Words string `json:"words"`
}

type baselineView struct {
	Known  bool        `json:"known"`
	Kinds  []int64     `json:"kinds"`
	Kept   int         `json:"kept"`
	Relays []relaySaid `json:"relays"`
}

// eventShown is how many hex digits of an event's id a table shows: enough to name it.
const eventShown = 12

func (a *app) keyVersionsCmd() *cobra.Command {
	var kind int64
	cmd := &cobra.Command{
		Use: "versions KEY", Short: "list the kept versions of a key's profile, lists and articles", Args: args("KEY"),
		ValidArgsFunction: a.completeKeys,
		Long: `Lists the kept versions of what a key replaces when it signs anew: its profile, follow list, other lists, articles. The newest come first.

Bring one back with nsecbunker key version restore KEY EVENT.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := map[string]any{"key": args[0]}
			if cmd.Flags().Changed("kind") {
				p["kind"] = kind
			}
			return list(cmd.Context(), a, "key.versions", "versions", p, []string{"EVENT", "KIND", "ENTRIES", "DATED", "BY", "NOTES"},
				"Nothing is kept of this key yet: it has signed no profile, list or article here.",
				func(v versionView) []string {
					return []string{shown(v.Event, 64)[:min(eventShown, len(v.Event))], v.what(), strconv.Itoa(v.Entries), a.when(v.Dated), v.by(), v.notes()}
				})
		},
	}
	cmd.Flags().Int64Var(&kind, "kind", 0, "of this `kind` only, such as 3")
	return cmd
}

// what names the kind, and the d tag behind it.
func (v *versionView) what() string {
	s := strconv.FormatInt(v.Kind, 10)
	if n := nostr.Kind(v.Kind).Name(); n != "" {
		s += " (" + n + ")"
	}
	if v.D != "" {
		s += " " + shown(v.D, 40)
	}
	return s
}

func (v *versionView) by() string {
	switch {
	case v.Fetched:
		return "a relay had it"
	case v.App == "":
		return "this bunker"
	}
	return name(v.App)
}

func (v *versionView) notes() string {
	return marks(map[string]bool{"current": v.Current, "cannot be read": v.Broken}, "current", "cannot be read")
}

func (a *app) keyVersionCmd() *cobra.Command {
	c := &cobra.Command{Use: "version", Short: "show or bring back a kept version of a profile, list or article"}
	c.AddCommand(a.keyVersionShowCmd(), a.keyVersionRestoreCmd())
	return c
}

type versionParam struct {
	Key    string   `json:"key"`
	Event  string   `json:"event"`
	Relays []string `json:"relays,omitempty"`
}

func (a *app) keyVersionShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show KEY EVENT", Short: "print a kept event, and say what bringing it back would change", Args: args("KEY", "EVENT"),
		ValidArgsFunction: a.completeKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			type answer struct {
				Version versionView  `json:"version"`
				Changes *changesView `json:"changes"`
				JSON    string       `json:"event_json"`
			}
			return show(cmd.Context(), a, "key.version.show", versionParam{Key: args[0], Event: args[1]}, func(r answer) error {
				a.say("Kind %s, dated %s, by %s.", r.Version.what(), a.when(r.Version.Dated), r.Version.by())
				if r.Changes != nil && r.Changes.Words != "" {
					a.say("Bringing it back: %s.", shown(r.Changes.Words, 300))
				}
				return a.line(r.JSON)
			})
		},
	}
}

func (a *app) keyVersionRestoreCmd() *cobra.Command {
	var relays []string
	cmd := &cobra.Command{
		Use: "restore KEY EVENT", Short: "sign a kept version anew and publish it", Args: args("KEY", "EVENT"), ValidArgsFunction: a.completeKeys,
		Long: `Brings a kept version back: its tags and content are signed anew, dated now, and published on the relays that the account writes to (its kept kind 10002),
or on the bunker's where that is not known. EVENT is the event's id, or how it begins. The event is printed.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			type answer struct {
				Event   string       `json:"event"`
				Kind    int64        `json:"kind"`
				Changes *changesView `json:"changes"`
				Relays  []relaySaid  `json:"relays"`
				JSON    string       `json:"event_json"`
			}
			return show(cmd.Context(), a, "key.version.restore", versionParam{args[0], args[1], relays}, func(r answer) error {
				if r.Changes != nil && r.Changes.Words != "" {
					a.say("Brought back: %s.", shown(r.Changes.Words, 300))
				}
				a.sayRelays(r.Relays, "took it")
				return a.line(r.JSON)
			})
		},
	}
	cmd.Flags().StringArrayVar(&relays, "relay", nil, "publish it on this `relay`, too")
	return cmd
}

// sayRelays tells what each relay said.
func (a *app) sayRelays(list []relaySaid, yes string) {
	for _, r := range list {
		words := yes
		if !r.OK {
			words = "no: " + shown(r.Words, 200)
		} else if r.Found > 0 {
			words = fmt.Sprintf("%s %d", yes, r.Found)
		}
		a.say("  %s  %s", shown(r.URL, 200), words)
	}
}

func (a *app) keyBaselineCmd() *cobra.Command {
	var relays []string
	cmd := &cobra.Command{
		Use: "baseline KEY", Short: "fetch an account's profile and lists, for the guard to compare with", Args: args("KEY"), ValidArgsFunction: a.completeKeys,
		Long: `Fetches an account's profile and lists from the bunker's relays, from those that you name, and from those that its own list (kind 10002) names, checks their signatures
and keeps them. The guard compares what apps want signed with them. Importing a key does this by itself.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := struct {
				Key    string   `json:"key"`
				Relays []string `json:"relays,omitempty"`
			}{args[0], relays}
			type answer struct {
				Baseline baselineView `json:"baseline"`
			}
			return show(cmd.Context(), a, "key.baseline", p, func(r answer) error { return a.sayBaseline(r.Baseline) })
		},
	}
	cmd.Flags().StringArrayVar(&relays, "relay", nil, "ask this `relay`, too")
	return cmd
}

func (a *app) sayBaseline(b baselineView) error {
	a.sayRelays(b.Relays, "had")
	if len(b.Kinds) == 0 {
		a.say("Nothing was found.")
		return nil
	}
	var kinds []string
	for _, k := range b.Kinds {
		v := versionView{Kind: k}
		kinds = append(kinds, v.what())
	}
	a.say("Found: %s; %d new.", strings.Join(kinds, ", "), b.Kept)
	return nil
}

func (a *app) keyGuardCmd() *cobra.Command {
	return a.proofFlag(&cobra.Command{
		Use: "guard KEY SHARE", Short: "set how much of a profile or list an app may drop unasked", Args: args("KEY", "SHARE"), ValidArgsFunction: a.completeKeys,
		Long: `Sets how many percent of its entries a profile, a follow list or another list may lose before a person is asked, whatever is permitted.

SHARE is 1 to 100, default (20), or off.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.keyGuard(cmd.Context(), args[0], args[1]) },
	})
}

func (a *app) keyGuard(ctx context.Context, key, share string) error {
	p := struct {
		Key   string `json:"key"`
		Share string `json:"share"`
	}{key, share}
	return a.keyDone(ctx, "key.guard", p, func(k *keyView) string {
		if k.Guard == "off" {
			return fmt.Sprintf("%s is not guarded any more.", name(k.Name))
		}
		return fmt.Sprintf("%s: a person is asked before a profile or list loses more than %s.", name(k.Name), k.guardWords())
	})
}

// guardWords is a key's share in words.
func (k *keyView) guardWords() string {
	switch k.Guard {
	case "off", "":
		return k.Guard
	case "default":
		return "20 % of its entries"
	}
	return shown(k.Guard, 10) + " % of its entries"
}
