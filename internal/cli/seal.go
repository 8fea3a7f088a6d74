package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"nsecbunker/internal/seal"
	"nsecbunker/internal/secret"
)

type unsealParams struct {
	Passphrase secret.Param `json:"passphrase,omitempty"`
	Slot       string       `json:"slot,omitempty"`
}

type unsealAnswer struct {
	Slot     string   `json:"slot"`
	Unlocked int      `json:"unlocked"`
	Waiting  []string `json:"waiting"`
	Locked   []string `json:"locked"`
}

func (a *app) unsealCmd() *cobra.Command {
	var slot string
	cmd := &cobra.Command{
		Use: "unseal", Short: "give a running bunker its passphrase", Args: args(),
		Long: "Gives a running, sealed bunker its passphrase: typed, from --passphrase-file, or on stdin. With --slot a key slot that needs no person opens it.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.unseal(cmd.Context(), slot) },
	}
	cmd.Flags().StringVar(&slot, "slot", "", "open with this `slot` (its name: nsecbunker seal slot list)")
	return a.proofFlag(cmd)
}

func (a *app) unseal(ctx context.Context, slot string) (err error) {
	p := unsealParams{Slot: slot}
	defer func() { p.Passphrase.Wipe() }()
	switch {
	case slot != "":
	case a.passphraseFile != "":
		p.Passphrase, err = readSecretFile(a.passphraseFile)
	default:
		p.Passphrase, err = a.nextSecret(ctx, "Passphrase of the bunker:")
	}
	if err != nil {
		return err
	}
	return show(ctx, a, "unseal", p, func(r unsealAnswer) error {
		a.say("Unsealed (%s): %s can sign.", name(r.Slot), count(r.Unlocked, "key"))
		if len(r.Waiting) > 0 {
			a.say("With a passphrase of their own, still to be unlocked (nsecbunker key unlock NAME): %s.", names(r.Waiting))
		}
		if len(r.Locked) > 0 {
			a.say("Locked before, and still so: %s.", names(r.Locked))
		}
		return nil
	})
}

func names(list []string) string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = name(n)
	}
	return strings.Join(out, ", ")
}

func (a *app) sealCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "seal", Short: "take every key out of memory; and the ways to open the bunker again",
		Long: "Without a further word it seals the bunker: the root key and every user key are wiped from memory, and apps are told so.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show(cmd.Context(), a, "seal", nil, func(json.RawMessage) error {
				a.say("Sealed: nothing is signed until `nsecbunker unseal`.")
				return nil
			})
		},
	}
	slot := &cobra.Command{Use: "slot", Short: "the ways to open the bunker: add, remove, list"}
	slot.AddCommand(a.slotListCmd(), a.slotAddCmd(), a.slotRemoveCmd())
	c.AddCommand(slot)
	return c
}

type slotView struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Unattended bool   `json:"unattended"`
	CreatedAt  stamp  `json:"created_at"`
}

func (a *app) slotListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the ways to open the bunker", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), a, "slot.list", "slots", nil, []string{"NAME", "KIND", "NEEDS A PERSON", "MADE", "ID"},
				"There is no way to open the bunker: it is not set up. Set it up: nsecbunker setup",
				func(s slotView) []string {
					person := "yes"
					if s.Unattended {
						person = "no"
					}
					return []string{name(s.Name), s.Kind, person, a.when(s.CreatedAt), s.ID}
				})
		},
	}
}

type slotAddParams struct {
	Kind       string       `json:"kind"`
	Name       string       `json:"name"`
	Passphrase secret.Param `json:"passphrase,omitempty"`
	Path       string       `json:"path,omitempty"`
	Credential string       `json:"credential,omitempty"`
	Command    string       `json:"command,omitempty"`
}

func (a *app) slotAddCmd() *cobra.Command {
	var label string
	var create bool
	cmd := &cobra.Command{
		Use: "add passphrase|file|credential|command|provider [WHAT]", Short: "add a way to open the bunker",
		Long: `Adds a way to open the bunker. Any one way opens it by itself.

  passphrase            another passphrase, asked for twice
  file PATH             a key file, for example on a USB stick; --create makes it
  credential NAME       a systemd credential of the unit
  command NAME          a command of config.toml that prints the key (a KMS, a security module)
  provider              of a bunker that others host: whenever the provider's own bunker is open

With file, credential, command and provider the bunker opens without a person at each start, and so does a copy of the disk that has them.`,
		Args: args("KIND", "[WHAT]"), ValidArgs: []string{"passphrase", "file", "credential", "command", "provider"},
		RunE: func(cmd *cobra.Command, args []string) error {
			p := slotAddParams{Kind: args[0], Name: label}
			defer func() { p.Passphrase.Wipe() }()
			what := ""
			if len(args) > 1 {
				what = args[1]
			}
			if err := a.fillSlot(cmd.Context(), &p, what, create); err != nil {
				return err
			}
			type answer struct {
				Slot slotView `json:"slot"`
			}
			return show(cmd.Context(), a, "slot.add", p, func(r answer) error {
				a.say("The slot %s opens the bunker from now on.", name(r.Slot.Name))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&label, "name", "", "`name` of the slot (default: its kind)")
	cmd.Flags().BoolVar(&create, "create", false, "make the key file, mode 0600; it must not exist")
	return a.proofFlag(cmd)
}

// fillSlot reads what a kind of slot needs.
func (a *app) fillSlot(ctx context.Context, p *slotAddParams, what string, create bool) (err error) {
	if p.Kind == "provider" {
		if what != "" || create {
			return usage("seal slot add provider takes nothing else")
		}
		if p.Name == "" {
			p.Name = p.Kind
		}
		return nil
	}
	if p.Kind != "passphrase" && what == "" {
		return usage("seal slot add %s: what it is made of is missing", shown(p.Kind, 30)).withHint("nsecbunker seal slot add --help")
	}
	if create && p.Kind != "file" {
		return usage("--create makes key files only")
	}
	switch p.Kind {
	case "passphrase":
		if what != "" {
			return usage("a passphrase is never given on the command line; it is asked for")
		}
		p.Passphrase, err = a.newPassphrase(ctx, "The further passphrase")
	case "file":
		if p.Path, err = filepath.Abs(what); err != nil {
			return fail("%w", err)
		}
		if create {
			err = a.createKeyFile(p.Path)
		}
	case "credential":
		p.Credential = what
	case "command":
		p.Command = what
	default:
		return usage("there is no kind of slot %q: passphrase, file, credential, command, provider", shown(p.Kind, 30))
	}
	if p.Name == "" {
		p.Name = p.Kind
		if p.Kind == "credential" || p.Kind == "command" {
			p.Name = what
		}
	}
	return err
}

func (a *app) createKeyFile(path string) error {
	err := seal.CreateKeyFile(path)
	if errors.Is(err, os.ErrExist) {
		return fail("%s is there already, and is not replaced", path).withHint("leave --create out to use it")
	}
	return err
}

func (a *app) slotRemoveCmd() *cobra.Command {
	return a.proofFlag(a.yesFlag(&cobra.Command{
		Use: "remove SLOT", Short: "remove a way to open the bunker", Args: args("SLOT"), ValidArgsFunction: a.completeSlots,
		RunE: func(cmd *cobra.Command, args []string) error {
			what := fmt.Sprintf("The slot %s never opens the bunker again. Older backups it still opens.", shown(args[0], bunkerName))
			is := func(raw json.RawMessage) bool {
				var v slotView
				return json.Unmarshal(raw, &v) == nil && (v.ID == args[0] || v.Name == args[0])
			}
			none := fail("there is no key slot %q", shown(args[0], bunkerName)).withHint("nsecbunker seal slot list")
			if err := a.confirmAmong(cmd.Context(), "slot.list", "slots", is, none, what, args[0]); err != nil {
				return err
			}
			return show(cmd.Context(), a, "slot.remove", struct {
				Slot string `json:"slot"`
			}{args[0]}, func(json.RawMessage) error {
				a.say("The slot is removed.")
				return nil
			})
		},
	}))
}

func (a *app) passphraseCmd() *cobra.Command {
	var slot string
	cmd := &cobra.Command{
		Use: "passphrase", Short: "change the bunker's passphrase", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			p := struct {
				New  secret.Param `json:"new"`
				Slot string       `json:"slot,omitempty"`
			}{Slot: slot}
			defer func() { p.New.Wipe() }()
			// The old one first, as everybody expects it.
			if a.proved, err = a.proof(cmd.Context()); err != nil {
				return err
			}
			if p.New, err = a.newPassphrase(cmd.Context(), "New passphrase"); err != nil {
				return err
			}
			return show(cmd.Context(), a, "passphrase.change", p, func(json.RawMessage) error {
				a.say("The passphrase is changed. Backups that were made before open with the old one.")
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&slot, "slot", "", "which passphrase, where there are several (`name`: nsecbunker seal slot list)")
	cmd.AddCommand(a.passphraseCheckCmd())
	return a.proofFlag(cmd)
}

func (a *app) passphraseCheckCmd() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "see whether you still know it; nothing is changed", Args: args(),
		Long: "Asks for the passphrase, says whether it is right, and notes that somebody knows it. A wrong one costs one of the tries.",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			var p struct {
				Passphrase secret.Param `json:"passphrase"`
			}
			defer func() { p.Passphrase.Wipe() }()
			if p.Passphrase, err = a.nextSecret(cmd.Context(), "Passphrase of the bunker:"); err != nil {
				return err
			}
			type answer struct {
				Slot string `json:"slot"`
			}
			return show(cmd.Context(), a, "passphrase.check", p, func(r answer) error {
				a.say("That is right: it opens the slot %s.", name(r.Slot))
				return nil
			})
		},
	}
}

func (a *app) stopCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "stop", Short: "stop everything: lock every key, suspend every connection",
		Long: "Stops everything at once: every key is locked and every connection suspended; a restart does not undo it. The program goes on running. `nsecbunker stop end` ends it.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show(cmd.Context(), a, "stop", nil, func(json.RawMessage) error {
				a.say("Everything is stopped: nothing is signed. End it with: nsecbunker stop end")
				return nil
			})
		},
	}
	c.AddCommand(a.proofFlag(&cobra.Command{
		Use: "end", Short: "end a stop", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show(cmd.Context(), a, "stop.end", nil, func(json.RawMessage) error {
				a.say("The stop is over. Bring back one by one what shall sign: nsecbunker key unlock NAME, nsecbunker connections resume APP (or --all)")
				return nil
			})
		},
	}))
	return c
}
